import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { pullModel } from "../../../src/providers/choice/pull_model.ts";
import { fakeFetch, restoreFetch } from "../../support/model/model_server.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";

afterEach(restoreFetch);

const HOSTILE = "\u001b[2J\u202egnp";
const NEVER = new AbortController().signal;

function pull(answer: () => Response, silenceMs?: number) {
  const seen: string[] = [];
  fakeFetch(() => Promise.resolve(answer()));
  const result = pullModel("http://127.0.0.1:1", "qwen3", {
    signal: NEVER,
    onProgress: ({ status }) => void seen.push(status),
    silenceMs,
  });
  return { result, seen };
}

describe("[O3] pullModel()", () => {
  it("gives up a server that sends nothing more", async () => {
    const { result } = pull(() => new Response(createSilentBody("\n").stream), 20);
    assert.equal(await result, "Ollama sent nothing for 0.02 s");
  });

  it("ends an answer that it does not read to its end", async () => {
    const body = createSilentBody("[]\n");
    assert.equal(await pull(() => new Response(body.stream)).result, "the answer is not Ollama's");
    await new Promise(setImmediate);
    assert.equal(body.isCancelled(), true);
  });

  it("reads a line that comes in two parts", async () => {
    const parts = ['{"status":"pul', 'ling"}\n{"status":"success"}\n'];
    const body = () => ReadableStream.from(parts).pipeThrough(new TextEncoderStream());
    const { result, seen } = pull(() => new Response(body()));
    assert.equal(await result, undefined);
    assert.deepEqual(seen, ["pulling", "success"]);
  });

  it("repeats no word of the server that commands a terminal", async () => {
    const words = (line: object) => () => new Response(`${JSON.stringify(line)}\n`);
    assert.equal(await pull(words({ error: HOSTILE })).result, "\\u{1b}[2J\\u{202e}gnp");
    const { result, seen } = pull(words({ status: HOSTILE }));
    assert.match(await result ?? "", /broke off/);
    assert.deepEqual(seen, ["\\u{1b}[2J\\u{202e}gnp"]);
  });
});
