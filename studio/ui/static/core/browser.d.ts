// What the browser takes that its types do not say.

/** Every element of this page is one of HTML or of SVG. */
interface Element extends HTMLOrSVGElement, ElementCSSInlineStyle {
  hidden: boolean;
  setAttribute(name: string, value: string | number | boolean): void;
  closest(selectors: string): HTMLElement | null;
  querySelector(selectors: string): HTMLElement | null;
  querySelectorAll(selectors: string): NodeListOf<HTMLElement>;
}

interface CSSStyleDeclaration {
  setProperty(property: string, value: string | number | null, priority?: string): void;
}

interface Window {
  likeness: { page: Promise<unknown> };
}
