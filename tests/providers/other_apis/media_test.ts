import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { afterEach, describe, it } from "node:test";
import { FileError } from "../../../src/core/turn/media.ts";
import type { ModelSettings } from "../../../src/providers/settings.ts";
import {
  createReadPcm,
  createSpeak,
  createSpeakPcm,
  createTranscribe,
  SOUND_MS,
} from "../../../src/providers/other_apis/media.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { wav } from "../../support/files/samples.ts";
import { fakeFetch, restoreFetch } from "../../support/model/model_server.ts";
import { createSilentBody } from "../../support/network/silent_body.ts";
import { listening } from "../../support/network/listening.ts";

const NEVER = new AbortController().signal;
const RECORDING = { bytes: wav(1), mediaType: "audio/wav", ending: "wav" };
const KEY = "sk-speech-canary";

async function withServer(
  answer: RequestListener,
  play: (settings: ModelSettings) => Promise<void>,
): Promise<void> {
  const server = createServer(answer);
  const port = await listening(server);
  const baseUrl = `http://127.0.0.1:${port}/v1`;
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

afterEach(restoreFetch);

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
      assert.equal(await createTranscribe(settings)(RECORDING, NEVER), "low tide at nine");
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
          assert.rejects(createTranscribe(settings)(RECORDING, NEVER), (error) => {
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
        assert.rejects(createTranscribe(settings, 50)(RECORDING, NEVER), {
          message: "the speech server gave no answer",
        }),
    ));

  it("closes an answer that falls silent", () =>
    withServer(() => {}, async (settings) => {
      const { stream, isCancelled } = createSilentBody('{"text":');
      fakeFetch(() => Promise.resolve(new Response(stream)));
      await assert.rejects(createTranscribe(settings, 50)(RECORDING, NEVER), {
        message: "the speech server gave no answer",
      });
      assert.ok(isCancelled());
    }));

  it("ends with its turn", () =>
    withServer(() => {}, (settings) => {
      const ending = AbortSignal.abort(new Error("stopped"));
      return assert.rejects(createTranscribe(settings)(RECORDING, ending), /stopped/);
    }));
});

it("[R16] createSpeak() › asks for Opus in a voice, and refuses anything else", () =>
  withServer((request, answer) => {
    let body = "";
    request.on("data", (part) => body += part).on("end", () => {
      assert.equal(request.url, "/v1/audio/speech");
      const { input, ...rest } = JSON.parse(body);
      assert.deepEqual(rest, { model: "whisper", voice: "nova", response_format: "opus" });
      answer.end(input === "good" ? "OggS…" : "ID3");
    });
  }, async (settings) => {
    const speak = createSpeak(settings, "nova");
    assert.ok((await speak("good", NEVER)).length > 0);
    await assert.rejects(speak("bad", NEVER), /no Opus in Ogg/);
  }));

describe("[V5] createSpeakPcm()", () => {
  const speakWith = (settings: ModelSettings, clock = new FakeClock()) =>
    createSpeakPcm(settings, "nova", clock.schedule);
  async function all(sound: AsyncIterable<Int16Array>): Promise<number[]> {
    const samples: number[] = [];
    for await (const part of sound) samples.push(...part);
    return samples;
  }

  it("gives samples while the server speaks, also if a part ends within one", () =>
    withServer((request, answer) => {
      request.resume().on("end", () => {
        answer.write(Buffer.from([1, 0, 2, 0, 3]));
        setTimeout(() => answer.end(Buffer.from([0, 0xff, 0xff])), 20);
      });
    }, async (settings) => {
      assert.deepEqual(await all(speakWith(settings)("hi", NEVER)), [1, 2, 3, -1]);
    }));

  it("takes a server that sends WAV of another rate", () => {
    const read = createReadPcm();
    const wav = Buffer.alloc(44 + 8);
    wav.write("RIFF");
    wav.writeUInt32LE(12_000, 24);
    [0, 100, 200, 300].forEach((sample, at) => wav.writeInt16LE(sample, 44 + at * 2));
    const samples = [...wav].flatMap((byte) => [...read(Uint8Array.of(byte))]);
    assert.deepEqual(samples, [0, 0, 100, 100, 200, 200, 300, 300]);
  });

  /** A WAV whose header tells a rate. */
  const wavOf = (rate: number) => {
    const wav = Buffer.alloc(44 + 400);
    wav.write("RIFF");
    wav.writeUInt32LE(rate, 24);
    return wav;
  };
  const bad = [
    ["a refusal", (answer: ServerResponse) => answer.writeHead(500).end(), /refused it/],
    ["a WAV without a rate", (answer: ServerResponse) => answer.end(wavOf(0)), /wrong rate/],
    ["a WAV of one sample", (answer: ServerResponse) => answer.end(wavOf(1)), /wrong rate/],
    [
      "a web page",
      (answer: ServerResponse) => answer.setHeader("content-type", "text/html").end("<p>"),
      /no sound/,
    ],
    ["a connection that breaks", (answer: ServerResponse) => answer.destroy(), /not be reached/],
  ] as const;
  for (const [what, serve, message] of bad) {
    it(`rejects ${what}`, () =>
      withServer(
        (request, answer) => void request.resume().on("end", () => serve(answer)),
        (settings) =>
          assert.rejects(all(speakWith(settings)("hi", NEVER)), { name: "FileError", message }),
      ));
  }

  it("gives up a server that falls silent in the middle", () => {
    const clock = new FakeClock();
    return withServer((request, answer) => {
      request.resume().on("end", () => answer.write(Buffer.from([1, 0, 2, 0])));
    }, async (settings) => {
      const sound = speakWith(settings, clock)("hi", NEVER)[Symbol.asyncIterator]();
      assert.equal((await sound.next()).value?.length, 2);
      const rest = sound.next();
      clock.advance(SOUND_MS);
      await assert.rejects(rest, /was silent for 10 s/);
    });
  });
});
