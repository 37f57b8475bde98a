// Shapes that the page's own modules hand to each other.
import type * as rest from "./schemas.js";

/** What happened in a field. */
export type FieldEvent = Event & { target: HTMLInputElement | HTMLSelectElement };

export interface Size {
  width?: number | null;
  height?: number | null;
}

// --- pictures ---------------------------------------------------------------------------------

/** What can be done with a picture. */
export type ActionName =
  | "use"
  | "add"
  | "edit"
  | "compare"
  | "enlarge"
  | "extend"
  | "fix_face"
  | "reuse_settings"
  | "reuse_seed"
  | "reuse_references"
  | "download"
  | "clean"
  | "tree"
  | "reproduce"
  | "character"
  | "star"
  | "trash"
  | "restore"
  | "details";
export type Run = (id: string, ids?: string[]) => unknown;
export interface ActionOptions {
  label: string;
  id: string;
  run: Run;
  key?: string;
  icon?: import("../kit/icons.js").IconName;
  /** Only of pictures that are not in the trash. */
  live?: boolean;
  /** Only of pictures that were made here. */
  made?: boolean;
}
export interface BarOptions {
  ids?: boolean;
  icons?: ActionName[];
  label?: string;
  target: () => [id: string, ids?: string[]];
}

/** Why a listing tells of itself. */
export type Why = "begun" | "reset" | "grown" | "removed" | "failed";
/** A part of a listing that is asked for when it is looked at. */
export interface Page {
  cursor: string | null;
  limit: number;
  asked: boolean;
}
/** A picture's id, or the page it will come with. */
export type Place = string | Page;
/** What a selection needs of a listing. */
export interface Listing {
  readonly total: number;
  indexOf(id: string): number;
  between(first: number, last: number): Promise<string[]>;
  all(): Promise<string[]>;
}

export interface Cell {
  node: HTMLElement;
  update: (record: rest.ImageRecord) => unknown;
}
export interface GridOptions {
  source: import("../collection/source.js").PictureSource;
  cell: (id: string) => Cell;
  label: string;
  /** Narrowest cell in px. */
  least?: number;
  /** Height of the words below a picture in px. */
  caption?: number;
  gap?: number;
  scroller?: HTMLElement | null;
  /** px at the top of the scroll port that something else covers. */
  above?: () => number;
}

/** A small picture that leads to another one. */
export interface Mini {
  id: string | null;
  label?: string;
  words?: string;
  faded?: boolean;
  current?: boolean;
}

/** A node of the family tree with its place. `edge`: what it hangs on. */
export interface Placed {
  id: string;
  image: rest.ImageSummary | null;
  generation?: number | null;
  drift?: rest.Drift | null;
  children: Placed[];
  edge: rest.FamilyEdge | null;
  level: number;
  column: number;
  x: number;
  y: number;
}
export interface Line {
  from: Placed;
  to: Placed;
  primary: boolean;
  edge: rest.FamilyEdge;
}

/** What the worker told of how a picture was made; older pictures say less. */
export interface Provenance {
  revision?: string;
  model_revision?: string;
  model?: { revision?: string };
  licence?: { name?: string; commercial?: string };
  composed_prompt?: string;
  versions?: Record<string, string>;
  device?: string;
  device_name?: string;
  dtype?: string;
  memory?: string;
  step_cache?: string;
  loras?: { id: string; name: string }[];
}

// --- what Python tells the settings side ----------------------------------------------------------

export interface ModeScene {
  id: string;
  label: string;
  what: string;
  when: string;
  reason: string | null;
}
export interface ModelScene {
  id: string;
  label: string;
  edit: boolean;
  description?: string | null;
  reason: string | null;
  seconds: number | null;
  vram_mb: number | null;
}
export interface AddOnScene {
  id: string;
  name: string;
  weight: number;
  triggers: string[];
  certain: boolean;
}
export interface ChoiceScene {
  name: string;
  words: string;
  known: { id: string; name: string }[];
  chosen: string | null;
}

// --- characters -----------------------------------------------------------------------------------

/** A reference of the portrait that is to be made. */
export interface Knob {
  image_id: string;
  role: string | null;
  weight: number;
}
/** A design, or one that is not saved yet. */
export type DesignWish = Partial<rest.Design> & { name: string };
export type SheetList = "expressions" | "angles" | "outfits" | "lights";
export type SheetNow = rest.Sheet & { looked?: boolean };
/** A field of the blueprint editor. */
export interface BlueprintLine {
  input: HTMLInputElement;
  lock: HTMLElement;
}
