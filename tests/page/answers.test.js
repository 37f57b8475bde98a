import assert from "node:assert/strict";
import { test } from "node:test";
import "./browser.js";
import { hearingAll } from "../../studio/ui/static/core/answers.js";

const JOIN = "http://127.0.0.1/gradio_api/queue/join";
const DATA = "http://127.0.0.1/gradio_api/queue/data?session_hash=a";
const line = (message) => `data: ${JSON.stringify(message)}\n\n`;
const answered = (id) => line({ msg: "process_completed", event_id: id });
const END = line({ msg: "close_stream" });

/** A server whose calls and streams answer when they are told to. */
function server() {
  const calls = [];
  const streams = [];
  const fetching = (what) =>
    new Promise((resolve) => {
      const { url } = new Request(what);
      if (url.startsWith(JOIN)) return calls.push((id) => resolve(Response.json({ event_id: id })));
      const body = new TransformStream();
      const writer = body.writable.getWriter();
      const send = (...texts) => texts.forEach((text) => void writer.write(new TextEncoder().encode(text)));
      streams.push({ send, end: () => void writer.close() });
      return resolve(new Response(body.readable));
    });
  return { calls, streams, fetch: hearingAll(fetching) };
}

async function until(holds) {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 200);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** What the page hears of a stream, as it comes. */
function listening(answer) {
  const heard = { text: "", over: false };
  (async () => {
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) heard.text += part;
    heard.over = true;
  })();
  return heard;
}

test("a stream that ends while a call is on its way is gone on with", async () => {
  const { calls, streams, fetch } = server();
  const first = fetch(JOIN);
  calls[0]("one");
  await first;
  const heard = listening(await fetch(DATA));
  const second = fetch(JOIN); // sent before the end was heard, answered by a server that has ended the stream
  streams[0].send(answered("one"), END);
  streams[0].end();
  await until(() => streams.length === 2);
  calls[1]("two");
  assert.equal((await (await second).json()).event_id, "two");
  streams[1].send(answered("two").slice(0, 9), answered("two").slice(9), END);
  streams[1].end();
  await until(() => heard.over);
  assert.equal(heard.text, answered("one") + answered("two") + END);
});

test("an answer that is heard before its number lets the stream end", async () => {
  const { calls, streams, fetch } = server();
  const heard = listening(await fetch(DATA));
  const call = fetch(JOIN);
  streams[0].send(answered("one"));
  await until(() => heard.text);
  calls[0]("one");
  await call;
  streams[0].send(END);
  streams[0].end();
  await until(() => heard.over);
  assert.deepEqual([heard.text, streams.length], [answered("one") + END, 1]);
});

test("other calls are let through as they are", async () => {
  const answer = new Response("as it is");
  assert.equal(await hearingAll(async () => answer)("http://127.0.0.1/api/v1/health"), answer);
});
