/** Calls of a bot under test: people of the simulator speak, and read what they hear. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { type Scene, type SceneOptions, withSimulation } from "../bot/e2e.ts";
import { give, registered } from "../bot/slash.ts";
import { readWav } from "./recordings.ts";
import { RATE, readSound, speakText } from "../../../simulator/model/spoken_text.ts";
import { listening } from "../network/listening.ts";

interface SpeechServer {
  /** Gives other words than those of the sound, as a real server invents some. */
  hears?: () => string;
  /** `"http://127.0.0.1:40123/v1"`. */
  readonly baseUrl: string;
  /** The spoken or recognised texts. */
  readonly requests: readonly { readonly path: string; readonly text: string }[];
  close(): Promise<void>;
}

const CHUNK_MS = 100;
/** Seconds of sound that it makes in one second. */
const SPEED = 20;

async function startSpeechServer(): Promise<SpeechServer> {
  const requests: { readonly path: string; readonly text: string }[] = [];
  const own: Pick<SpeechServer, "hears"> = {};

  const transcribe = async (path: string, form: FormData, answer: ServerResponse) => {
    const file = form.get("file");
    const pcm = file instanceof File ? readWav(await file.bytes()) : undefined;
    if (!pcm) return void answer.writeHead(400).end('{"error":{"message":"no WAV"}}');
    const text = own.hears?.() ?? readSound(pcm);
    requests.push({ path, text });
    answer.setHeader("Content-Type", "application/json");
    answer.end(JSON.stringify({ text }));
  };
  const speak = async (
    path: string,
    asked: Readonly<Record<string, unknown>>,
    answer: ServerResponse,
  ) => {
    const text = String(asked["input"]);
    requests.push({ path, text });
    if (asked["response_format"] !== "pcm") return void answer.writeHead(400).end("{}");
    answer.setHeader("Content-Type", "audio/pcm");
    const pcm = speakText(text);
    const step = CHUNK_MS * RATE / 1_000;
    for (let at = 0; at < pcm.length && !answer.destroyed; at += step) {
      const chunk = pcm.subarray(at, at + step);
      answer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      await new Promise((resolve) => setTimeout(resolve, CHUNK_MS / SPEED));
    }
    answer.end();
  };

  const server = createServer((request, answer) => {
    void bodyOf(request).then(async (body) => {
      const { url: path = "" } = request;
      if (path === "/v1/audio/speech") return speak(path, JSON.parse(body.toString()), answer);
      if (path !== "/v1/audio/transcriptions") return void answer.writeHead(404).end("{}");
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      return transcribe(path, await new Response(body, { headers }).formData(), answer);
    });
  });
  const port = await listening(server);
  return Object.assign(own, {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The voice channels of a call's scene. */
export const TALK = "Talk";
const OTHER = "Other";

/** Milliseconds after which a silent bot has ended its sentence. */
const PAUSE_MS = 500;

export interface CallScene {
  readonly scene: Scene;
  readonly speech: SpeechServer;
  /** A person speaks a text. Resolves at its end. */
  says(who: string, text: string): Promise<void>;
  /** What a person has heard of the bot so far, as text. */
  words(who: string): Promise<string>;
  /** Waits until a person has heard words of the bot, and a pause after them; returns all so far. */
  hears(who: string, pattern: RegExp): Promise<string>;
}

/** Runs a test with a bot that may talk in {@link TALK} and {@link OTHER}, beside a speech server. */
export async function withCall(
  play: (call: CallScene) => Promise<void>,
  { voice = {}, config, ...options }: SceneOptions & { readonly voice?: object } = {},
): Promise<void> {
  const speech = await startSpeechServer();
  const { baseUrl } = speech;
  try {
    await withSimulation({
      ...options,
      config: {
        voice,
        audio: { transcribe: "speech/ear", speak: "speech/mouth" },
        models: { providers: { speech: { kind: "openai-compatible", baseUrl } } },
        ...config,
      },
    }, async (scene) => {
      const { simulator } = scene;
      const [krill] = simulator.world.guilds.values();
      assert.ok(krill);
      for (const name of [TALK, OTHER]) {
        addChannel(simulator.world, krill, { name, kind: "voice" }, Date.now());
      }
      const heardBy = (who: string) => simulator.voice.heard(who, simulator.application.userId);
      const words = async (who: string) => readSound(await heardBy(who).pcm());
      await play({
        scene,
        speech,
        says: (who, text) => simulator.voice.say(who, speakText(text)),
        words,
        async hears(who, pattern) {
          let text = "";
          for (let knownMs = 0; !pattern.test(text);) {
            knownMs = await scene.until(`words like ${pattern} after "${text}"`, () => {
              const { ms, lastAt = Infinity } = heardBy(who);
              return ms > knownMs && Date.now() - lastAt > PAUSE_MS && ms;
            });
            text = await words(who);
          }
          return text;
        },
      });
    });
  } finally {
    await speech.close();
  }
}

/** A person joins, calls the bot, agrees to be heard, and has the keys of the call with it. */
export async function beginCall(scene: Scene, bot: SimulatedProcess): Promise<void> {
  const { simulator, until } = scene;
  await registered(scene);
  await simulator.voice.join({ who: "ada", in: TALK });
  await give(scene, { as: "ada", in: TALK, name: "join" });
  await agree(scene, bot, "ada");
  await until("a call with keys", () => simulator.voice.room(TALK).group?.epoch());
}

/** A person presses "Hear me" below the newest card. */
export async function agree(scene: Scene, bot: SimulatedProcess, who: string): Promise<void> {
  const { simulator } = scene;
  const card = await scene.until(
    "the card",
    () => simulator.posted(TALK).findLast(({ components }) => components.length > 0),
  );
  const customId = /"custom_id":"([^"]*:on:[^"]*)"/.exec(JSON.stringify(card.components))?.[1];
  assert.ok(customId, JSON.stringify(card.components));
  const userId = simulator.user(who);
  simulator.press({ as: who, in: TALK, message: card.id, customId });
  await scene.line(bot, new RegExp(`agreed to be heard.*${userId}`));
}
