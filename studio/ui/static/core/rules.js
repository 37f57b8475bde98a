// The rules of the studio as far as the page needs them.
// Written from Python by `python -m studio.ui.page_rules`: change them there.

/** @type {Record<string, string>} */
export const MODES = {
  "text_to_image": "Text to Image",
  "smart_edit": "Smart Image Editing",
  "img2img": "Img2Img",
  "character_reference": "Character Reference",
  "style_reference": "Style Reference",
  "controlnet": "ControlNet",
  "inpaint": "Inpaint",
  "upscale": "Enlarge",
  "outpaint": "Extend",
  "fix_face": "Fix the face"
};

/** @type {Record<string, string>} */
export const ROLES = {
  "source": "Source",
  "character": "Character",
  "style": "Style",
  "structure": "Structure",
  "mask": "Mask"
};

/** @type {Record<string, string>} */
export const CONTROLS = {
  "canny": "Crisp edges",
  "soft_edge": "Soft edges"
};

/** @type {Record<string, string>} */
export const CATEGORIES = {
  "generated": "Generated",
  "edited": "Edited",
  "upload": "Upload",
  "imported": "Imported",
  "avatar": "Avatar",
  "sheet": "Character sheet",
  "control": "Made on the way"
};

/** @type {Record<string, string>} */
export const DEFAULT_ROLES = {
  "text_to_image": "source",
  "smart_edit": "source",
  "img2img": "source",
  "character_reference": "character",
  "style_reference": "style",
  "controlnet": "structure",
  "inpaint": "source",
  "upscale": "source",
  "outpaint": "source",
  "fix_face": "source"
};

/** @type {[name: string, words: string, example: string][]} */
export const BLUEPRINT_FIELDS = [
  [
    "age",
    "Age",
    "early thirties"
  ],
  [
    "face",
    "Face",
    "narrow, high cheekbones"
  ],
  [
    "eyes",
    "Eyes",
    "grey-green"
  ],
  [
    "hair",
    "Hair",
    "short, silver"
  ],
  [
    "skin",
    "Skin",
    "freckled"
  ],
  [
    "build",
    "Build",
    "tall, wiry"
  ],
  [
    "marks",
    "Marks",
    "scar through the left brow"
  ],
  [
    "outfit",
    "Outfit",
    "green wool cloak"
  ],
  [
    "accessories",
    "Accessories",
    "brass compass"
  ],
  [
    "expression",
    "Expression",
    "calm half-smile"
  ],
  [
    "pose",
    "Pose",
    "arms folded"
  ]
];

/** @type {string[]} */
export const PORTRAIT_MODES = [
  "text_to_image",
  "character_reference",
  "smart_edit",
  "img2img",
  "style_reference",
  "controlnet"
];

/** @type {string} */
export const PORTRAIT_RATIO = "3:4";

/** @type {string[]} */
export const RATIOS = [
  "1:1",
  "2:3",
  "3:4",
  "4:5",
  "9:16",
  "3:2",
  "4:3",
  "5:4",
  "16:9"
];

/** @type {string} */
export const LIKE_REFERENCE = "reference";

/** @type {{references: number, images: number, loras: number, prompt: number}} */
export const LIMITS = {
  "references": 10,
  "images": 8,
  "loras": 4,
  "prompt": 10000
};

/** @type {Record<string, string>} */
export const SETTINGS = {
  "mode": "Mode",
  "model": "Model",
  "character": "Character",
  "references": "References",
  "prompt": "Prompt",
  "strength": "Influence",
  "scale": "Enlarge",
  "upscaler": "Enlarger",
  "control": "Structure",
  "guidance_scale": "Guidance",
  "num_inference_steps": "Steps",
  "quick_draft": "Quick draft",
  "seed": "Seed",
  "aspect_ratio": "Aspect ratio",
  "width": "Width",
  "height": "Height",
  "fit": "Fit",
  "extend": "Canvas added",
  "result_size": "Result size",
  "keep": "Keep the rest",
  "finish": "Finish",
  "fix_face": "Small faces",
  "num_images": "Number of images",
  "negative_prompt": "Negative prompt",
  "loras": "LoRAs",
  "vae": "VAE",
  "drawn": "Drawn words",
  "ip_adapter": "IP-Adapter"
};

/** @type {Record<string, string>} */
export const SWEPT = {
  "model": "Model",
  "mode": "Mode",
  "prompt": "Prompt",
  "negative_prompt": "Negative prompt",
  "guidance_scale": "Guidance",
  "num_inference_steps": "Steps",
  "seed": "Seed",
  "strength": "Strength",
  "aspect_ratio": "Aspect ratio",
  "vae": "VAE",
  "ip_adapter": "IP-Adapter",
  "character": "Character",
  "influence": "Influence",
  "prompt_part": "Part of the prompt",
  "alternatives": "Every choice of the prompt",
  "control.weight": "Hold of the traced lines",
  "reference.0": "Reference {n}",
  "reference_weight.0": "Weight of reference {n}",
  "lora.0": "LoRA {n}",
  "lora_weight.0": "Weight of LoRA {n}"
};

/** @type {Record<string, {least: number, most: number}>} */
export const RANGES = {
  "guidance_scale": {
    "least": 0.0,
    "most": 30.0
  },
  "num_inference_steps": {
    "least": 1,
    "most": 150
  },
  "strength": {
    "least": 0.0,
    "most": 1.0
  },
  "width": {
    "least": 16,
    "most": 4096
  },
  "height": {
    "least": 16,
    "most": 4096
  },
  "num_images": {
    "least": 1,
    "most": 8
  }
};
