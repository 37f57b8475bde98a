// Gradio's answers come over one stream, which its server ends whenever nothing is left to answer. A call that was sent
// just before learns of its number and believes the stream to be open still; the page then closes it, and the answer is
// never heard. So the end of a stream is kept from the page while a call waits, and the stream is gone on with.

const CALL = "/queue/join";
const STREAM = "/queue/data";
const END = "close_stream";
const ANSWERED = "process_completed";

/** Calls on their way to the server. */
let sending = 0;
/** Numbers of calls that wait for their answer. @type {Set<string>} */
const waiting = new Set();
/** Of those whose answer was heard before their number. @type {Set<string>} */
const early = new Set();

const waits = () => sending > 0 || waiting.size > 0;

/** @param {string} id */
function begin(id) {
  if (!early.delete(id)) waiting.add(id);
}

/** @param {{msg?: string, event_id?: string}} message */
function hear({ msg, event_id }) {
  if (msg === ANSWERED && event_id && !waiting.delete(event_id)) early.add(event_id);
}

/** A call: its number is known before the page knows it. @param {() => Promise<Response>} send */
async function call(send) {
  sending += 1;
  try {
    const answer = await send();
    const text = await answer.text();
    if (answer.ok) begin(JSON.parse(text).event_id);
    return new Response(text, answer);
  } finally {
    sending -= 1;
  }
}

/** The stream's messages, as they were sent: each ends with an empty line. @param {Response} answer */
async function* messages(answer) {
  let left = "";
  if (!answer.body) return;
  for await (const part of lines(answer.body.pipeThrough(new TextDecoderStream()))) {
    const whole = (left + part).split("\n\n");
    left = whole.pop() ?? "";
    yield* whole;
  }
}

/** @param {ReadableStream<string>} stream */
async function* lines(stream) {
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} text @returns {{msg?: string, event_id?: string}} */
const said = (text) => {
  try {
    return JSON.parse(text.replace(/^data: ?/, ""));
  } catch {
    return {};
  }
};

/** @param {Response} first @param {() => Promise<Response>} again */
async function* goingOn(first, again) {
  for (let answer = first, over = false; !over; answer = over ? answer : await again()) {
    over = true;
    for await (const text of messages(answer)) {
      const message = said(text);
      if (message.msg === END && waits()) {
        over = false;
        break;
      }
      hear(message);
      yield `${text}\n\n`;
    }
  }
}

/** @param {() => Promise<Response>} ask */
async function stream(ask) {
  const first = await ask();
  if (!first.ok) return first;
  const found = goingOn(first, ask);
  const body = new ReadableStream({
    async pull(controller) {
      const { value, done } = await found.next().catch((error) => {
        waiting.clear(); // the page is told that the connection ended, and asks again
        throw error;
      });
      if (done) controller.close();
      else controller.enqueue(new TextEncoder().encode(value));
    },
    cancel: () => void found.return(),
  });
  return new Response(body, first);
}

/** What fetches the page's calls from now on. @param {typeof fetch} fetching @returns {typeof fetch} */
export function hearingAll(fetching) {
  return async (what, how) => {
    const { pathname } = new URL(what instanceof Request ? what.url : what, document.baseURI);
    if (pathname.endsWith(CALL)) return call(() => fetching(what, how));
    if (pathname.endsWith(STREAM)) return stream(() => fetching(what instanceof Request ? what.clone() : what, how));
    return fetching(what, how);
  };
}
