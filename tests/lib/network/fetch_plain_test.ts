import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { fetchPlain, readBody } from "../../../src/lib/network/fetch_plain.ts";

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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
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
