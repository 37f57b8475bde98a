// What the parts of the page tell each other over the bus, and what Gradio gives to one of them.
import type * as rest from "./schemas.js";

export type Job = rest.JobRecord;
export type Request = rest.GenerationRequest;
export type Snapshot = rest.QueueSnapshot;
export type Picture = rest.ImageRecord;

/** Something the artist wants done by Python; without an action, the rest follows what was changed. */
export interface Wish {
  action?: string;
  image_id?: string;
  image_ids?: string[];
  how?: string;
  tab?: string;
  character?: string;
  step?: rest.Step;
  preset?: string;
}

/** Pictures that many at once were changed: what was done to them. */
export interface Marked {
  ids: string[];
  action: rest.Action;
}

export interface Events {
  // the page
  "page:loaded": undefined;
  "studio:ready": undefined;
  /** The artist has stopped changing things. */
  "settings:settled": undefined;
  /** Python has said what Generate would ask for, and what the coach says of it. */
  "settings:checked": undefined;
  "tab:shown": string;
  theme: string;
  refused: string;
  // the queue
  snapshot: Snapshot;
  connection: boolean;
  // pictures
  "images:uploaded": { ids: string[] };
  "pictures:new": { ids: string[] };
  "picture:changed": Picture;
  "pictures:marked": Marked;
  /** A picture put together again: it was not generated, so no job tells of it. */
  "picture:returned": Picture;
  "collection:changed": undefined;
  "tags:changed": undefined;
  "models:known": undefined;
  /** What can be asked of the chosen model first (`firstExamples`) may be other than before. */
  "examples:known": undefined;
  "gallery:selected": { id: string | null; by: "artist" | "studio" };
  "coach:away": undefined;
  /** Pictures loaded as references; `begun`: as the page found them. */
  "references:loaded": { ids: string[]; begun: boolean };
  /** Something can be taken back, from now on; null: nothing any more. */
  "undo:offered": { words: string; run: () => unknown } | null;
  // dialogs
  "details:open": { id: string; ids?: string[] };
  "reproduce:start": { id: string };
  "compare:open": { id: string; against?: string | null };
  "enlarge:open": { id: string };
  "extend:open": { id: string };
  "tree:open": { id: string };
  "winners:open": { job_id: string; ids: string[] };
  "picker:open": { max?: number; answer?: (ids: string[]) => unknown };
  "picker:picked": { ids: string[] };
  "import:open": undefined;
  "import:folder": { folder: string; pictures: Promise<{ path: string; file: File }[]> };
  "export:open": { ids?: string[]; branch_of?: string };
  // characters
  "characters:changed": { id: string | null; elsewhere?: boolean };
  "character:loaded": { id: string; name: string } | null;
  "character:apply": { id: string };
  "portrait:open": { id: string; generate?: boolean };
  "blueprint:open": { id: string };
  "references:open": { id: string };
  "sheet:open": { id: string };
  "designs:open": undefined;
  "shortcuts:open": undefined;
  /** How others come in: the address for a phone, and the way out. */
  "house:open": undefined;
  /** The button that opens and closes the presets. */
  "presets:open": { button: HTMLElement };
  "presets:changed": undefined;
  /** What Python has read in the prompt. */
  "prompt:read": { loras: import("../studio/prompt_tools.js").CalledLora[] };
  /** Pictures that are to be edited all at once. */
  "many:open": { ids: string[] };
  "review:open": { pairs: import("../studio/review.js").Pair[] };
  /** A sweep by its id; null: the dialog that asks for one. */
  "sweep:open": string | null;
  "crop:open": { character: rest.Character; version: rest.PortraitVersion; words?: string };
  "avatar:export": { character: rest.CharacterSummary };
}

/** A part of the page, as Gradio hands it over. `props.value` is sent to Python when it is set. */
export interface Part<Value = any, Scene = any> {
  element: HTMLElement;
  props: { value: Value; scene: Scene };
  watch: (names: string | string[], changed: () => void) => void;
  tell: Record<string, (data?: object) => void>;
}
