import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import {
  abortableResponse,
  fetchPlain,
  readBody,
  readPieces,
  type WholeBody,
} from "../../../src/lib/network/fetch_plain.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";
import { listening } from "../../support/network/listening.ts";

const NEVER = new AbortController().signal;
const read = (response: Response, maxBytes: number) =>
  readBody(response.body, { maxBytes, tooLarge: () => new Error("too large"), signal: NEVER });

/** A server that compresses its answer, whatever the client asks for. */
async function ask(coding: string, body: Uint8Array<ArrayBuffer>, init: RequestInit = {}) {
  const server = createServer((request, response) => {
    response.writeHead(200, {
      "content-encoding": coding,
      "content-length": body.length,
      "x-asked": `${request.headers["accept-encoding"]} ${request.headers["x-own"]}`,
    }).end(body);
  });
  const port = await listening(server);
  try {
    const response = await fetchPlain(fetch, `http://127.0.0.1:${port}/`, init);
    return { response, bytes: await read(response, 1_000_000).catch(String) };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe("[SEC-R25] fetchPlain()", () => {
  it("asks for no compression, and forbids the runtime to inflate", async () => {
    let sent: object = {};
    const asked = (_input: unknown, init: object = {}) => {
      sent = init;
      return Promise.resolve(new Response("words"));
    };
    const response = await fetchPlain(asked, "http://a.example/", { headers: { "x-own": "1" } });
    assert.equal(await response.text(), "words");
    const { headers, decompress } = sent as { headers: Headers; decompress: boolean };
    assert.deepEqual([...headers], [["accept-encoding", "identity"], ["x-own", "1"]]);
    assert.equal(decompress, false);
  });

  it("reads a body that a server compresses all the same", async () => {
    const body = Uint8Array.from(gzipSync("words"));
    const { response, bytes } = await ask("gzip", body, { headers: { "x-own": "1" } });
    assert.equal(Buffer.from(bytes).toString(), "words");
    assert.equal(response.headers.get("x-asked"), "identity 1");
    assert.equal(response.headers.get("content-length"), null);
  });

  it("refuses a small body that is large inside", async () => {
    const body = Uint8Array.from(gzipSync(Buffer.alloc(50_000_000)));
    assert.ok(body.length < 100_000);
    assert.equal((await ask("gzip", body)).bytes, "Error: too large");
  });

  it("refuses a compression that it never offered", async () => {
    const body = new Uint8Array([1, 2, 3]);
    await assert.rejects(ask("zstd", body), /unknown compression/);
  });
});

const { signal } = new AbortController();
const upTo = (maxBytes: number): WholeBody => ({
  maxBytes,
  tooLarge: () => new Error("too large"),
  signal,
});

/** A body that never ends. */
function createEndless() {
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(10)),
    cancel: () => void (isCancelled = true),
  });
  return { stream, isCancelled: () => isCancelled };
}

describe("readBody()", () => {
  it("reads all pieces in order", async () => {
    const { body } = new Response("low tide");
    assert.equal(new TextDecoder().decode(await readBody(body, upTo(8))), "low tide");
  });

  it("reads no body as nothing", async () => {
    assert.equal((await readBody(null, upTo(8))).length, 0);
  });

  it("ends a longer body at once, and cancels it", async () => {
    const { stream, isCancelled } = createEndless();
    await assert.rejects(readBody(stream, upTo(25)), { message: "too large" });
    assert.ok(isCancelled());
  });
});

describe("readPieces()", () => {
  it("cancels the body once it has enough", async () => {
    const { stream, isCancelled } = createEndless();
    let bytes = 0;
    await readPieces(stream, signal, (piece) => {
      bytes += piece.length;
      return bytes < 25;
    });
    assert.equal(bytes, 30);
    assert.ok(isCancelled());
  });

  for (const beginning of ["", "low "]) {
    it(`ends with the signal's reason, even if the body after "${beginning}" ignores it`, async () => {
      const { stream, isCancelled } = createSilentBody(beginning);
      const stop = new AbortController();
      const reading = readPieces(stream, stop.signal, () => {});
      setTimeout(() => stop.abort(new Error("enough")));
      await assert.rejects(reading, { message: "enough" });
      assert.ok(isCancelled());
    });
  }

  it("reads nothing after an abort", async () => {
    const { stream, isCancelled } = createEndless();
    const reading = readPieces(stream, AbortSignal.abort(new Error("enough")), () => assert.fail());
    await assert.rejects(reading, { message: "enough" });
    assert.ok(isCancelled());
  });

  it("passes on the error of a broken connection", async () => {
    const stream = new ReadableStream({ pull: () => Promise.reject(new Error("reset")) });
    await assert.rejects(readPieces(stream, signal, () => {}), { message: "reset" });
  });
});

describe("abortableResponse()", () => {
  const { signal } = new AbortController();

  it("keeps the head and the body", async () => {
    const headers = { "content-type": "text/x-tide" };
    const response = abortableResponse(new Response("low", { status: 201, headers }), signal);
    assert.equal(response.status, 201);
    assert.equal(response.headers.get("content-type"), "text/x-tide");
    assert.equal(await response.text(), "low");
  });

  it("returns a response without a body unchanged", () => {
    const response = new Response(null, { status: 204 });
    assert.equal(abortableResponse(response, signal), response);
  });

  it("fails a running read with the signal's reason, even if the body ignores it", async () => {
    const { stream, isCancelled } = createSilentBody("low ");
    const stop = new AbortController();
    const reading = abortableResponse(new Response(stream), stop.signal).text();
    setTimeout(() => stop.abort(new Error("enough")));
    await assert.rejects(reading, { message: "enough" });
    assert.ok(isCancelled());
  });

  it("cancels the body with its own", async () => {
    const { stream, isCancelled } = createSilentBody("low ");
    const reader = abortableResponse(new Response(stream), signal).body?.getReader();
    assert.equal((await reader?.read())?.value?.length, 4);
    await reader?.cancel();
    assert.ok(isCancelled());
  });

  it("leaves no listener on a signal that outlives the response", async () => {
    let listeners = 0;
    const watched: AbortSignal = Object.assign(Object.create(signal), {
      throwIfAborted: () => {},
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    });
    abortableResponse(new Response("unread"), watched);
    await abortableResponse(new Response("read"), watched).text();
    assert.equal(listeners, 0);
  });
});
