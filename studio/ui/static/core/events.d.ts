// What the parts of the page tell each other, and what Gradio gives to one of them.
export type Job = any;
export type Request = any;
export type Snapshot = any;
export type Events = Record<string, any>;
export interface Part {
  element: HTMLElement;
  props: any;
  watch: (names: string | string[], changed: () => void) => void;
  tell: Record<string, (data?: object) => void>;
}
