import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { PostError, postText } from "../../../src/extras/alerts/post.ts";

const NEVER = new AbortController().signal;
const WORDS = { headers: { "x-token": "tk_of_a_header" }, body: "words" };

describe("[O12] postText()", () => {
  let server: Server;
  let status = 200;
  let headers: Readonly<Record<string, string>> = {};
  const paths: string[] = [];
  before(async () => {
    server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url} ${request.headers["x-token"]}`);
      if (status === 0) return void request.socket.destroy();
      response.writeHead(status, { location: "/other", ...headers }).end("the receiver's words");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = () =>
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-of-the-path?key=s3cret`;

  it("sends the text with its headers", async () => {
    status = 204;
    await postText(address(), WORDS, NEVER);
    assert.equal(paths.at(-1), "POST /hook/secret-of-the-path?key=s3cret tk_of_a_header");
  });

  it("keeps no connection, which could end as the next text is sent", async () => {
    let connections = 0;
    const count = () => void connections++;
    server.on("connection", count);
    for (let text = 0; text < 3; text += 1) await postText(address(), WORDS, NEVER);
    server.off("connection", count);
    assert.equal(connections, 3);
  });

  it("counts an answer with an unknown compression as taken, so no message repeats", async () => {
    status = 200;
    headers = { "content-encoding": "br" };
    await postText(address(), WORDS, NEVER);
    headers = {};
  });

  const FAULTS: readonly (readonly [status: number, words: RegExp])[] = [
    [0, /^cannot reach 127\.0\.0\.1:\d+( \(E[A-Z]+\))?$/],
    [301, /^127\.0\.0\.1:\d+ answered with status 301: write the address that it redirects to$/],
    [401, /status 401: check the token$/],
    [404, /status 404: check the address; the webhook may be deleted$/],
    [429, /status 429: too many messages$/],
    [500, /answered with status 500$/],
  ];
  for (const [answer, words] of FAULTS) {
    it(`fails with words and without secrets: ${answer || "a broken connection"}`, async () => {
      status = answer;
      paths.length = 0;
      await assert.rejects(postText(address(), WORDS, NEVER), (error) => {
        assert.ok(error instanceof PostError);
        assert.match(error.message, words);
        assert.doesNotMatch(`${error.message} ${error.stack}`, /secret|s3cret|tk_of|words/);
        assert.equal(error.cause, undefined);
        return true;
      });
      assert.ok(paths.every((path) => path.startsWith("POST /hook")), "it followed a redirect");
    });
  }

  it("stops with the process", async () => {
    const stopping = AbortSignal.abort();
    await assert.rejects(postText(address(), WORDS, stopping), /cannot reach/);
  });
});
