/**
 * A speech server with OpenAI's two endpoints. Its sound carries its text (`tone_code.ts`), so a
 * transcript proves that a recording arrived whole, and a listener can read what the bot said.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { RATE, readSound, speakText } from "../voice/tone_code.ts";
import { readWav } from "../voice/recordings.ts";

export interface SpeechRequest {
  readonly path: "/v1/audio/transcriptions" | "/v1/audio/speech";
  /** Unix time in milliseconds. */
  readonly at: number;
  /** The spoken or recognised text. */
  readonly text: string;
  readonly ms: number;
  /** The other fields of the request. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether the client took all of the answer; `undefined` while it is open. */
  isWhole: boolean | undefined;
}

export interface SpeechSwitches {
  /** Milliseconds until the first byte of an answer. */
  delayMs: number;
  /** Status of refused requests; `undefined` refuses none. */
  fails: number | undefined;
  /** Seconds of sound that it makes in one second. */
  speed: number;
  /** Milliseconds of sound after which the connection breaks. */
  diesAfterMs: number | undefined;
  /** What it understands, instead of the sound's own text: as a real server invents words. */
  hears: ((text: string, pcm: Int16Array) => string) | undefined;
}

export interface SpeechServer extends SpeechSwitches {
  /** `"http://127.0.0.1:40123/v1"`. */
  readonly baseUrl: string;
  readonly requests: readonly SpeechRequest[];
  close(): Promise<void>;
}

const CHUNK_MS = 100;

export async function startSpeechServer(
  options: Partial<SpeechSwitches> = {},
): Promise<SpeechServer> {
  const requests: SpeechRequest[] = [];
  const switches: SpeechSwitches = {
    delayMs: 0,
    fails: undefined,
    speed: 20,
    diesAfterMs: undefined,
    hears: undefined,
    ...options,
  };

  const transcribe = async (form: FormData, answer: ServerResponse) => {
    const file = form.get("file");
    const pcm = file instanceof File ? readWav(await file.bytes()) : undefined;
    if (!pcm) return void answer.writeHead(400).end('{"error":{"message":"no WAV"}}');
    const at = Date.now();
    const own = readSound(pcm);
    const text = switches.hears?.(own, pcm) ?? own;
    const { file: _, ...fields } = Object.fromEntries(form);
    const ms = pcm.length / RATE * 1_000;
    note(answer, { path: "/v1/audio/transcriptions", at, text, ms, fields });
    answer.setHeader("Content-Type", "application/json");
    answer.end(JSON.stringify({ text }));
  };
  const speak = async (asked: Record<string, unknown>, answer: ServerResponse) => {
    const { input, ...fields } = asked;
    const text = String(input);
    const at = Date.now();
    const pcm = speakText(text);
    note(answer, { path: "/v1/audio/speech", at, text, ms: pcm.length / RATE * 1_000, fields });
    if (fields["response_format"] !== "pcm") return void answer.writeHead(400).end("{}");
    answer.setHeader("Content-Type", "audio/pcm");
    const step = CHUNK_MS * RATE / 1_000;
    for (let at = 0; at < pcm.length && !answer.destroyed; at += step) {
      const { diesAfterMs = Infinity, speed } = switches;
      if (at * 1_000 / RATE >= diesAfterMs) return void answer.destroy();
      const chunk = pcm.subarray(at, at + step);
      answer.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      await wait(CHUNK_MS / speed);
    }
    answer.end();
  };
  const note = (answer: ServerResponse, request: Omit<SpeechRequest, "isWhole">) => {
    const noted: SpeechRequest = { ...request, isWhole: undefined };
    requests.push(noted);
    answer.on("close", () => {
      noted.isWhole = answer.writableFinished;
    });
  };

  const server = createServer((request, answer) => {
    void bodyOf(request).then(async (body) => {
      await wait(switches.delayMs);
      if (switches.fails) return void answer.writeHead(switches.fails).end("{}");
      if (request.url === "/v1/audio/speech") return speak(JSON.parse(body.toString()), answer);
      if (request.url !== "/v1/audio/transcriptions") return void answer.writeHead(404).end("{}");
      const headers = { "content-type": request.headers["content-type"] ?? "" };
      return transcribe(await new Response(body, { headers }).formData(), answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return Object.assign(switches, {
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

function wait(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}
