import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { describe, it } from "node:test";
import { FileError } from "../../../src/core/turn/media.ts";
import type { ModelSettings } from "../../../src/providers/settings.ts";
import { createSpeak, createTranscribe } from "../../../src/providers/other_apis/media.ts";
import { wav } from "../../support/files/samples.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";

const NEVER = new AbortController().signal;
const RECORDING = { bytes: wav(1), mediaType: "audio/wav", ending: "wav" };
const KEY = "sk-speech-canary";

async function withServer(
  answer: RequestListener,
  play: (settings: ModelSettings) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  const baseUrl = `http://127.0.0.1:${address.port}/v1`;
  try {
    await play({
      provider: { id: "local", kind: "openai-compatible", baseUrl, apiKey: KEY },
      name: "whisper",
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Milliseconds that a good server may take; far more than it needs. */
const TIMEOUT_MS = 30_000;
const deps = { fetch, timeoutMs: TIMEOUT_MS };

describe("[H10] createTranscribe()", () => {
  it("sends file, model and key, and reads the text", () =>
    withServer((request, answer) => {
      assert.equal(request.url, "/v1/audio/transcriptions");
      assert.equal(request.headers.authorization, `Bearer ${KEY}`);
      let body = "";
      request.setEncoding("latin1").on("data", (part: string) => body += part).on("end", () => {
        assert.match(body, /filename="recording\.wav"/);
        assert.match(body, /name="model"\r\n\r\nwhisper/);
        answer.end('{"text":" low tide at nine "}');
      });
    }, async (settings) => {
      assert.equal(await createTranscribe(settings, deps)(RECORDING, NEVER), "low tide at nine");
    }));

  const habits: readonly [title: string, answer: RequestListener, why: RegExp][] = [
    ["HTML", (_, answer) => answer.end("<html>login</html>"), /has no transcript/],
    ["a 500", (_, answer) => answer.writeHead(500).end(`no ${KEY}`), /refused it/],
    ["an empty text", (_, answer) => answer.end('{"text":""}'), /it has no words/],
    ["another object", (_, answer) => answer.end('{"words":[]}'), /has no transcript/],
    ["a broken connection", (request) => request.socket.destroy(), /could not be reached/],
    [
      "a redirect",
      (_, answer) => answer.writeHead(302, { Location: "/elsewhere" }).end(),
      /could not be reached|refused it/,
    ],
    ["an endless answer", (_, answer) => {
      const more = () => {
        while (!answer.destroyed && answer.write("a".repeat(65_536)));
      };
      answer.on("drain", more);
      more();
    }, /too large/],
  ];
  for (const [title, answer, why] of habits) {
    it(`names the failure of a server that sends ${title}, without the key`, () =>
      withServer(
        answer,
        (settings) =>
          assert.rejects(createTranscribe(settings, deps)(RECORDING, NEVER), (error) => {
            assert.ok(error instanceof FileError);
            assert.match(error.message, why);
            assert.ok(!`${error.message}${String(error.cause)}`.includes(KEY));
            return true;
          }),
      ));
  }

  it("gives up a server that hangs", () =>
    withServer(
      (_, answer) => void answer.writeHead(200).write("{"),
      (settings) =>
        assert.rejects(createTranscribe(settings, { fetch, timeoutMs: 50 })(RECORDING, NEVER), {
          message: "the speech server gave no answer",
        }),
    ));

  it("closes an answer that falls silent", () =>
    withServer(() => {}, async (settings) => {
      const { stream, isCancelled } = createSilentBody('{"text":');
      const silent = { fetch: () => Promise.resolve(new Response(stream)), timeoutMs: 50 };
      await assert.rejects(createTranscribe(settings, silent)(RECORDING, NEVER), {
        message: "the speech server gave no answer",
      });
      assert.ok(isCancelled());
    }));

  it("ends with its turn", () =>
    withServer(() => {}, (settings) => {
      const ending = AbortSignal.abort(new Error("stopped"));
      return assert.rejects(createTranscribe(settings, deps)(RECORDING, ending), /stopped/);
    }));
});

describe("[R16] createSpeak()", () => {
  it("asks for Opus in a voice, and refuses anything else", () =>
    withServer((request, answer) => {
      let body = "";
      request.on("data", (part) => body += part).on("end", () => {
        assert.equal(request.url, "/v1/audio/speech");
        const { input, ...rest } = JSON.parse(body);
        assert.deepEqual(rest, { model: "whisper", voice: "nova", response_format: "opus" });
        answer.end(input === "good" ? "OggS…" : "ID3");
      });
    }, async (settings) => {
      const speak = createSpeak(settings, "nova", deps);
      assert.ok((await speak("good", NEVER)).length > 0);
      await assert.rejects(speak("bad", NEVER), /no Opus in Ogg/);
    }));
});
