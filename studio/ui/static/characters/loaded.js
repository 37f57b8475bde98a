// The character that is loaded in this tab: its fields are offered beside every prompt box.
import { emit } from "../core/bus.js";

/** @typedef {{id: string, name: string}} Loaded */

/** @type {Loaded | null} */
let loaded = null;

/** The character, or null. */
export const loadedCharacter = () => loaded;

/** Load another, or put it away. @param {Loaded | null} character */
export function loadCharacter(character) {
  loaded = character && { id: character.id, name: character.name };
  emit("character:loaded", loaded);
}
