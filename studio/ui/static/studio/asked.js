// What Generate would ask for now, as Python said it last.

/** @type {Record<string, any> | null} */
let request = null;

/** @param {Record<string, any> | null | undefined} said */
export const setAsked = (said) => (request = said ?? null);

/** The request as REST takes it, or null where the settings cannot be read. */
export const asked = () => request;
