// Where things are found. The studio need not be at the root of its host: addresses begin where the page does.

const home = new URL(".", globalThis.document?.baseURI ?? "http://127.0.0.1/").pathname;

/** Of a call of the REST interface. @param {string} path */
export const apiAddress = (path) => `${home}api/v1${path}`;

/** Of a small picture. @param {string} id */
export const thumbnailAddress = (id) => apiAddress(`/images/${encodeURIComponent(id)}/thumbnail`);

/** Of the stored bytes. @param {string} id */
export const fileAddress = (id) => apiAddress(`/images/${encodeURIComponent(id)}/file`);

/**
 * Attributes of an img whose longest side is shown `px` long: the browser takes the smaller file where it will do.
 * @param {string} id
 * @param {number} px
 */
export function sized(id, px) {
  const url = thumbnailAddress(id);
  return { src: url, srcset: `${url}?side=192 192w, ${url} 384w`, sizes: `${px}px` };
}
