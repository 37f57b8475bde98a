// What REST answers and takes, as types. Written from OpenAPI by `python -m tests.page.schemas`:
// change the models in Python. Every field of an answer is there; of what is sent, those with a
// default may be left out.

export type Action = "star" | "unstar" | "trash" | "restore" | "tag" | "untag";

export interface Activation {
  design_id: string | null;
}

export interface AddOn {
  id: string;
  name: string;
  kind: "lora" | "controlnet" | "ip_adapter" | "vae" | "image_encoder" | "text_encoder";
  base: string | null;
  base_label: string | null;
  file: string;
  root: string | null;
  size_bytes: number;
  weight: number;
  triggers: string[];
}

export interface AddOnInfo {
  id: string;
  name: string;
  kind: "lora" | "controlnet" | "ip_adapter" | "vae";
  weight: number;
  triggers: string[];
  certain: boolean;
}

export interface Advice {
  id: string;
  words: string;
  why: string;
  steps: Step[];
}

export interface Avatar {
  image_id: string;
  version_id: string | null;
  crop: Crop;
}

export interface Axis {
  field: string;
  values: (string | number)[] | string;
}

export interface Batch {
  job_id: string;
  created_at: string;
  title: string | null;
  sweep: BatchSweep | null;
  request: GenerationRequest;
  images: ImageSummary[];
  trashed: number;
  seconds: number | null;
  memory_mb: number | null;
}

export interface BatchPage {
  items: Batch[];
  next: string | null;
}

export interface BatchRequest {
  request: GenerationRequest;
  images: string[];
}

export interface BatchSweep {
  id: string;
  axes: string[];
  request: GenerationRequest;
  total: number;
}

export interface Blueprint {
  character_id: string;
  revision: number;
  updated_at: string | null;
  fields: Record<string, BlueprintField>;
  free: FreeField[];
  script: string;
}

export interface BlueprintDraft {
  revision: number;
  fields: Record<string, BlueprintField>;
  free: FreeField[];
  script: string;
}

export interface BlueprintField {
  value: string;
  locked: boolean;
}

export interface BlueprintWords {
  picker: PickerEntry[];
  identity_line: string;
  keep: PickerEntry[];
  description: string;
}

export interface BranchStep {
  image_id: string;
  depth: number;
  drift: Drift;
  changed: number | null;
}

export interface BulkChange {
  ids: string[];
  action: Action;
  tag: string | null;
}

export interface BulkResult {
  changed: number;
  unchanged: number;
  missing: number;
}

export interface CastJob {
  character_id: string;
  name: string;
  job_id: string;
  status: JobStatus;
  step: number;
  total_steps: number;
  error: string | null;
  version_id: string | null;
  image_id: string | null;
  state: VersionState | null;
}

export interface CastOrder {
  characters: string[];
  mode: "smart_edit" | "style_reference";
  tab: string | null;
}

export interface CastRun {
  id: string;
  design_id: string | null;
  mode: Mode;
  created_at: string;
  jobs: CastJob[];
  skipped: Skipped[];
  total: number;
  ended: number;
}

export type Category = "generated" | "edited" | "upload" | "imported" | "avatar" | "sheet" | "control";

export interface Change {
  field: string;
  before: string | null;
  after: string | null;
  words: string;
}

export interface Character {
  id: string;
  name: string;
  position: number;
  archived: boolean;
  versions: number;
  proposed: number;
  references: number;
  portrait: Portrait | null;
  avatar: Avatar | null;
  other_design: boolean;
  created_at: string;
  updated_at: string;
  description: string;
  blueprint: Blueprint;
}

export interface CharacterPatch {
  name: string | null;
  description: string | null;
  archived: boolean | null;
}

export interface CharacterSummary {
  id: string;
  name: string;
  position: number;
  archived: boolean;
  versions: number;
  proposed: number;
  references: number;
  portrait: Portrait | null;
  avatar: Avatar | null;
  other_design: boolean;
  created_at: string;
  updated_at: string;
}

export interface Checked {
  request: GenerationRequest | null;
  notices: string[];
  refusal: string | null;
}

export interface Consent {
  licence: string;
  version: string;
  url: string | null;
  agreed_at: string;
}

export interface Control {
  kind: ControlKind;
  weight: number;
  start: number;
  end: number;
  network: string | null;
}

export type ControlKind = "canny" | "soft_edge";

export interface Correction {
  mask: string | null;
  scope: "found" | "mask" | "everything";
  grow: number;
  feather: number;
  tolerance: number | null;
}

export interface Cost {
  seconds: number | null;
  vram_mb: number | null;
}

export interface Crop {
  x: number;
  y: number;
  width: number;
  height: number;
  aspect: "free" | "1:1" | "3:4";
}

export interface CropGuess {
  crop: Crop;
  around: "face" | "figure" | "middle";
}

export interface DescribeWish {
  image_id: string | null;
}

export interface Described {
  prompt: string;
  caption: string | null;
  reader: string | null;
  reason: string | null;
}

export interface Design {
  id: string;
  name: string;
  active: boolean;
  style_prompt: string;
  negative_prompt: string;
  model: string | null;
  aspect_ratio: string | null;
  seed_policy: SeedPolicy;
  seed: number | string | null;
  guidance_scale: number | null;
  num_inference_steps: number | null;
  references: DesignReference[];
  created_at: string;
  updated_at: string;
}

export interface DesignDraft {
  name: string;
  style_prompt: string;
  negative_prompt: string;
  model: string | null;
  aspect_ratio: string | null;
  seed_policy: SeedPolicy;
  seed: number | string | null;
  guidance_scale: number | null;
  num_inference_steps: number | null;
  references: DesignReference[];
}

export interface DesignReference {
  image_id: string;
  weight: number;
}

export interface DesignUse {
  character_id: string;
  name: string;
  version_id: string;
  image_id: string;
  design_id: string | null;
  design_name: string | null;
  same: boolean;
}

export interface DoorInfo {
  closed: boolean;
  address: string | null;
  owner: boolean;
  session_until: number | null;
}

export interface Download {
  model: string;
  status: "queued" | "checking" | "downloading" | "verifying" | "done" | "failed" | "cancelled" | "interrupted";
  done_bytes: number;
  total_bytes: number;
  bytes_per_second: number | null;
  seconds_left: number | null;
  files: FileProgress[];
  error: DownloadProblem | null;
  newest: boolean;
}

export interface DownloadProblem {
  code: string;
  message: string;
  link: string | null;
}

export interface Drift {
  structure: number;
  colour: number;
  face: number | null;
}

export interface DriftReport {
  anchor_id: string;
  depth: number;
  drift: Drift;
  face_reason: string | null;
  branch: BranchStep[];
  suggestion: string | null;
}

export interface Emptied {
  deleted: number;
  kept: number;
}

export interface Emptying {
  expected_count: number;
}

export interface ExportWish {
  ids: string[];
  branch_of: string | null;
  clean: boolean;
  format: "png" | "jpeg" | "webp" | null;
  with_rights: boolean;
}

export interface Extend {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Facets {
  total: number;
  trashed: number;
  starred: number;
  category: Record<string, number>;
  model: Record<string, number>;
  mode: Record<string, number>;
  tag: Record<string, number>;
}

export interface FamilyEdge {
  child_id: string;
  parent_id: string | null;
  parent_pixel_sha256: string;
  role: Role | "control";
  order: number;
  weight: number;
  primary: boolean;
  changes: Change[];
}

export interface FamilyNode {
  image: ImageSummary;
  generation: number;
  drift: Drift | null;
}

export interface FamilyTree {
  root_ids: string[];
  nodes: FamilyNode[];
  edges: FamilyEdge[];
  truncated: boolean;
}

export type FieldName = "age" | "face" | "eyes" | "hair" | "skin" | "build" | "marks" | "outfit" | "accessories" | "expression" | "pose";

export interface FieldProblem {
  field: string | null;
  detail: string;
}

export interface FileProgress {
  name: string;
  size: number;
  done: number;
}

export interface Finish {
  scale: 1 | 2 | 4;
  upscaler: string | null;
}

export interface Fit {
  verdict: "full" | "offloaded" | "quantised" | "too_large" | "impossible";
  label: string;
  reason: string;
  pace: string | null;
  tiling: boolean;
  estimated: boolean;
}

export interface FixFace {
  enabled: boolean;
  under: number | null;
}

export interface FixWish {
  under: number | null;
  strength: number | null;
  prompt: string | null;
  model: string | null;
  seed: number | string;
}

export interface FreeField {
  name: string;
  value: string;
  locked: boolean;
}

export interface FromPicture {
  image_id: string | null;
  job_id: string | null;
}

export interface GenerationRequest {
  mode: Mode;
  model: string | null;
  prompt: string;
  negative_prompt: string;
  guidance_scale: number;
  num_inference_steps: number;
  seed: number | string;
  strength: number | null;
  width: number | null;
  height: number | null;
  aspect_ratio: string | null;
  num_images: number;
  references: Reference[];
  control: Control | null;
  character: string | null;
  loras: Lora[];
  vae: string | null;
  ip_adapter: string | null;
  result_size: "source" | "model" | ResultSize | null;
  keep: Keep | null;
  drawn: PicturePrompt[];
  finish: Finish | null;
  extend: Extend | null;
  fit: "crop" | "extend" | null;
  scale: 2 | 4 | null;
  upscaler: string | null;
  fix_face: FixFace | null;
  quick_draft: boolean;
}

export interface Hardware {
  kind: "cuda" | "rocm" | "xpu" | "mps" | "cpu";
  name: string;
  total: number;
  free: number;
  ram_total: number;
  ram_free: number;
  itemsize: number;
  backends: string[];
}

export interface HeadBox {
  kind: "face" | "figure";
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Health {
  status: "ok" | "degraded";
  version: string;
  device: string;
  queue_length: number;
  held: string | null;
  worker: WorkerState;
}

export interface ImageDetails {
  image: ImageRecord;
  seconds: number | null;
  memory_mb: number | null;
  batch: ImageSummary[];
  references: ImageSummary[];
  changes: Change[];
  anchor_id: string;
  reproduces: string | null;
  rights_lines: string[];
}

export interface ImageIds {
  ids: string[];
  total: number;
}

export interface ImageMetadata {
  tool: string | null;
  settings: Record<string, unknown>;
  unmapped: NamedValue[];
  raw: NamedValue[];
  sidecar: string | null;
  notes: string[];
}

export interface ImagePage {
  items: ImageRecord[];
  next: string | null;
}

export interface ImagePatch {
  starred: boolean | null;
  name: string | null;
  tags: string[] | null;
  category: Category | null;
  rights: Rights | null;
  anchor: boolean | null;
}

export interface ImageRecord {
  id: string;
  sha256: string;
  pixel_sha256: string;
  width: number;
  height: number;
  mime: string;
  size_bytes: number;
  category: Category;
  label: string;
  name: string | null;
  model: string | null;
  mode: Mode | null;
  created_at: string;
  starred: boolean;
  trashed_at: string | null;
  tags: string[];
  job_id: string | null;
  batch_index: number | null;
  seed: number | string | null;
  request: GenerationRequest | null;
  parents: ParentLink[];
  children: string[];
  characters: string[];
  notes: string[];
  provenance: Record<string, unknown>;
  depth: number;
  anchor: boolean;
  rights: Rights | null;
  purged_at: string | null;
}

export interface ImageStops {
  total: number;
  every: number;
  cursors: (string | null)[];
}

export interface ImageSummary {
  id: string;
  width: number;
  height: number;
  category: Category;
  label: string;
  name: string | null;
  prompt: string | null;
  model: string | null;
  mode: Mode | null;
  seed: number | string | null;
  job_id: string | null;
  batch_index: number | null;
  created_at: string;
  starred: boolean;
  anchor: boolean;
  trashed_at: string | null;
  purged_at: string | null;
}

export interface ImportProblem {
  path: string;
  reason: string;
}

export interface ImportProgress {
  id: string;
  folder: string;
  status: "scanning" | "running" | "done" | "cancelled" | "interrupted" | "failed";
  found: number;
  done: number;
  added: number;
  restored: number;
  duplicates: number;
  failed: number;
  problems: ImportProblem[];
  started_at: string;
  finished_at: string | null;
  per_second: number | null;
  eta_seconds: number | null;
}

export interface ImportWish {
  folder: string;
}

export interface Imported {
  character: Character;
  notes: string[];
}

export interface JobError {
  code: string;
  message: string;
}

export interface JobRecord {
  id: string;
  status: JobStatus;
  phase: string | null;
  step: number;
  total_steps: number;
  tile: number;
  tiles: number;
  eta_seconds: number | null;
  position: number | null;
  error: JobError | null;
  images: string[];
  request: GenerationRequest;
  timings: Record<string, number>;
  notices: string[];
  preview: number;
  has_control_image: boolean;
  cancel_requested: boolean;
  worker: string;
  tab: string | null;
  repeat: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export type JobStatus = "queued" | "running" | "done" | "failed" | "cancelled";

export interface Joining {
  image_id: string;
  anchor: boolean;
}

export interface Judgement {
  verdict: null;
  words: string;
  doubt: string | null;
  outcomes: Record<string, Advice>;
}

export interface Keep {
  enabled: boolean;
  tolerance: number;
}

export interface Labelled {
  field: string;
  values: (string | number)[];
  labels: string[];
}

export interface LeftOut {
  image_id: string;
  label: string;
  reason: string;
}

export interface Library {
  version: number;
  models: ModelCard[];
  readers: ModelCard[];
  add_ons: AddOn[];
  refused: Refused[];
  models_folder: string | null;
  model_roots: ModelRoot[];
  cache_folder: string;
  free_bytes: number;
  device: string | null;
  defaults: Record<string, string>;
}

export interface Licence {
  name: string;
  url: string | null;
  commercial: "yes" | "no" | "conditions" | "unknown";
  note: string;
  version: string;
}

export interface Limits {
  fields: string[];
  guidance_scale: [number, number];
  num_inference_steps: [number, number];
  roles: Role[];
  role_limits: Record<string, number>;
  min_references: number;
  max_references: number;
  reference_weights: boolean;
  control_kinds: ControlKind[];
  control_timing: boolean;
  control_networks: boolean;
  size_multiple: number;
  shapes: string[];
  size_source: "request" | "reference";
}

export interface LoginWish {
  password: string;
}

export interface Lora {
  id: string;
  weight: number;
}

export type MemoryChoice = "auto" | "resident" | "model_offload" | "group_offload" | "fp8" | "int8" | "nf4";

export interface MemorySetting {
  choice: MemoryChoice;
  tiling: boolean | null;
  warm_up: boolean;
}

export type Mode = "text_to_image" | "smart_edit" | "img2img" | "character_reference" | "style_reference" | "controlnet" | "inpaint" | "upscale" | "outpaint" | "fix_face";

export interface ModelCard {
  id: string;
  label: string;
  family: string;
  description: string;
  modes: string[];
  answers: "caption" | "face" | "points" | "words" | "heads" | null;
  edit: boolean;
  source: string;
  page: string | null;
  origin: "bundled" | "hub" | "folder" | "file";
  root: string | null;
  available: "ready" | "downloadable" | "missing";
  absent: Record<string, string>;
  licence: Licence;
  needs_consent: boolean;
  consent: Consent | null;
  size_bytes: number;
  download_bytes: number | null;
  fit: Fit | null;
  memory: MemorySetting;
  memory_choices: Record<string, string>;
  memory_refused: Record<string, string>;
  version: ModelVersion | null;
  updatable: boolean;
  default_for: string[];
  removable: boolean;
  shared_with: string[];
  download: Download | null;
}

export interface ModelInfo {
  id: string;
  label: string;
  family: string;
  description: string;
  modes: string[];
  edit: boolean;
  available: "ready" | "downloadable" | "missing";
  licence: string;
  defaults: Record<string, Record<string, number>>;
  limits: Record<string, Limits>;
  examples: Record<string, string[]>;
  sources: "any" | "drawings";
  cost: Cost;
  default_for: string[];
  add_ons: AddOnInfo[];
}

export interface ModelRoot {
  path: string;
  tool: string;
  state: "ready" | "looking" | "away" | "unreadable";
  words: string;
  given: boolean;
  holds: Record<string, number>;
  held: string;
  again: number;
  refused: Refused[];
  refused_count: number;
}

export interface ModelVersion {
  commit: string;
  held: "catalogue" | "studio" | "no";
  since: string | null;
}

export interface Move {
  to: "front" | "back" | null;
  before: string | null;
}

export interface NamedValue {
  name: string;
  value: string;
}

export interface NewCharacter {
  name: string;
  description: string;
}

export interface NewRoot {
  path: string;
}

export interface NewToken {
  id: string;
  name: string;
  made_at: number;
  until: number | null;
  token: string;
}

export interface Order {
  ids: string[];
}

export interface ParentLink {
  image_id: string | null;
  pixel_sha256: string;
  role: Role | "control";
  order: number;
  weight: number;
}

export interface Picked {
  ids: string[];
}

export interface PickerEntry {
  field: string;
  label: string;
  text: string;
  locked: boolean;
}

export interface PicturePrompt {
  prompt: string;
  negative_prompt: string;
}

export interface Point {
  x: number;
  y: number;
  outside: boolean;
}

export interface Portrait {
  version_id: string;
  number: number;
  image_id: string;
  width: number;
  height: number;
}

export interface PortraitDefaults {
  prompt: string;
  style_prompt: string;
  design_id: string | null;
  negative_prompt: string;
  model: string | null;
  mode: Mode;
  aspect_ratio: string;
  seed: number | string | null;
  guidance_scale: number | null;
  num_inference_steps: number | null;
  references: Reference[];
}

export interface PortraitOrder {
  mode: Mode;
  model: string | null;
  prompt: string;
  negative_prompt: string;
  guidance_scale: number;
  num_inference_steps: number;
  seed: number | string;
  strength: number | null;
  width: number | null;
  height: number | null;
  aspect_ratio: string | null;
  num_images: number;
  references: Reference[];
  control: Control | null;
  character: string | null;
  loras: Lora[];
  vae: string | null;
  ip_adapter: string | null;
  result_size: "source" | "model" | ResultSize | null;
  keep: Keep | null;
  drawn: PicturePrompt[];
  finish: Finish | null;
  extend: Extend | null;
  fit: "crop" | "extend" | null;
  scale: 2 | 4 | null;
  upscaler: string | null;
  fix_face: FixFace | null;
  quick_draft: boolean;
  styled: boolean;
  tab: string | null;
}

export interface PortraitVersion {
  id: string;
  character_id: string;
  number: number;
  place: number;
  total: number;
  current: boolean;
  state: VersionState;
  source: VersionSource;
  image_id: string;
  width: number;
  height: number;
  created_at: string;
  trashed_at: string | null;
  label: string;
  model: string | null;
  mode: Mode | null;
  seed: number | string | null;
  prompt: string;
  negative_prompt: string;
  guidance_scale: number | null;
  num_inference_steps: number | null;
  design_id: string | null;
  design_name: string | null;
  changes: Change[];
}

export interface Preset {
  label: string;
  group: string;
  says: PresetVariant[];
  id: string;
}

export interface PresetApplied {
  request: GenerationRequest;
  on: boolean;
}

export interface PresetPage {
  model: string;
  mode: Mode;
  items: PresetRecord[];
  faults: string[];
}

export interface PresetRecord {
  id: string;
  label: string;
  group: string;
  origin: "shipped" | "own" | "changed";
  preset: Preset;
  says: PresetVariant | null;
  reason: string | null;
}

export interface PresetSettings {
  guidance_scale: number | null;
  num_inference_steps: number | null;
  strength: number | null;
}

export interface PresetTarget {
  request: GenerationRequest;
}

export interface PresetVariant {
  models: string[];
  modes: Mode[];
  words: string;
  negative: string;
  settings: PresetSettings;
}

export interface PresetWish {
  label: string;
  group: string;
  says: PresetVariant[];
}

export interface PresetsTaken {
  added: string[];
  replaced: string[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  field: string | null;
  errors: FieldProblem[] | null;
}

export interface Question {
  request: GenerationRequest;
  previous_image: string | null;
}

export interface QueueSnapshot {
  paused: boolean;
  loaded_first: boolean;
  version: number;
  worker: WorkerState;
  jobs: JobRecord[];
  waiting: number;
  held: string | null;
}

export interface QueueSwitches {
  paused: boolean;
  loaded_first: boolean;
}

export interface Ranked {
  image: ImageSummary;
  source: string | null;
  likeness: number | null;
  changed: number | null;
  sharpness: number | null;
}

export interface Ranking {
  by: "likeness" | "changed" | "sharpness";
  items: Ranked[];
  waiting: number;
}

export interface ReaderState {
  question: "caption" | "face" | "points" | "words" | "heads";
  id: string;
  label: string;
  available: "ready" | "downloadable" | "missing";
}

export interface Reference {
  image_id: string;
  role: Role | null;
  weight: number;
}

export interface ReferenceItem {
  image_id: string;
  anchor: boolean;
  width: number;
  height: number;
  colours: number | null;
  disagrees: boolean;
}

export interface ReferenceSet {
  character_id: string;
  items: ReferenceItem[];
  warning: string | null;
}

export interface Refused {
  file: string;
  reason: string;
}

export interface Repeat {
  on: boolean;
}

export interface Reproduction {
  job_id: string;
  image_id: string;
  result_id: string | null;
  created_at: string;
  status: JobStatus | null;
  verdict: "identical" | "close" | "different" | null;
  measures: Record<string, number>;
  differences: string[];
}

export interface ResultSize {
  width: number;
  height: number;
}

export interface Rights {
  source: string | null;
  licence: string | null;
  consent: string | null;
}

export type Role = "source" | "character" | "style" | "structure" | "mask";

export interface RuleInfo {
  id: string;
  about: string;
}

export type SeedPolicy = "random" | "fixed";

export interface Selection {
  points: Point[];
  words: string;
}

export interface Sheet {
  id: string;
  character_id: string;
  created_at: string;
  pictures: SheetPicture[];
  columns: number;
  image_id: string | null;
  total: number;
  ended: number;
}

export interface SheetAsk {
  expressions: string[];
  angles: string[];
  outfits: string[];
  lights: string[];
  edit: boolean;
}

export interface SheetCell {
  label: string;
  prompt: string;
}

export interface SheetChoices {
  expressions: string[];
  angles: string[];
  outfits: string[];
  lights: string[];
}

export interface SheetOrder {
  cells: SheetCell[];
  seeds: number[];
  mode: Mode | null;
  model: string | null;
  aspect_ratio: string | null;
  guidance_scale: number | null;
  num_inference_steps: number | null;
  tab: string | null;
}

export interface SheetPicture {
  label: string;
  seed: number | string;
  job_id: string;
  status: JobStatus;
  step: number;
  total_steps: number;
  error: string | null;
  image_id: string | null;
}

export interface Skipped {
  character_id: string;
  name: string;
  reason: string;
}

export type Sort = "newest" | "oldest" | "name" | "size";

export interface Step {
  label: string;
  set: Record<string, unknown>;
  use_image: string | null;
  append: string | null;
}

export interface Sweep {
  id: string;
  created_at: string;
  request: GenerationRequest;
  x: Labelled;
  y: Labelled | null;
  cells: SweepCell[];
  ended: number;
  total: number;
  left_out: LeftOut[];
}

export interface SweepCell {
  x: number;
  y: number;
  job_id: string;
  status: JobStatus | null;
  error: JobError | null;
  image: ImageSummary | null;
}

export interface SweepEstimate {
  pictures: number;
  seconds: number | null;
  notices: string[];
  left_out: LeftOut[];
}

export interface SweepPage {
  items: Sweep[];
  next: string | null;
}

export interface SweepRequest {
  request: GenerationRequest;
  x: Axis;
  y: Axis | null;
}

export interface SweepStarted {
  batch: string;
  jobs: string[];
  left_out: LeftOut[];
}

export interface Switched {
  paused: boolean | null;
  loaded_first: boolean | null;
}

export interface TokenRecord {
  id: string;
  name: string;
  made_at: number;
  until: number | null;
}

export interface TokenWish {
  name: string;
  days: number | null;
}

export type VersionSource = "generated" | "upload" | "picture" | "cast" | "imported";

export type VersionState = "kept" | "proposed" | "left";

export interface Versions {
  items: PortraitVersion[];
  current_id: string | null;
}

export interface Waiting {
  job_ids: string[];
}

export interface Winners {
  kept: string[];
  trashed: string[];
}

export interface WorkerInfo {
  name: string;
  machine: string;
  state: "starting" | "ready" | "busy" | "restarting" | "down";
  device: string | null;
  detail: string;
  model: string | null;
}

export interface WorkerState {
  state: "starting" | "ready" | "busy" | "restarting" | "down";
  device: string | null;
  detail: string;
  hardware: Hardware | null;
  workers: WorkerInfo[];
}
