/**
 * A speech server with OpenAI's two endpoints. Its sound carries its text (`tone_code.ts`), so a
 * transcript proves that a recording arrived whole, and a listener can read what the bot said.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { RATE, readSound, speakText } from "../voice/tone_code.ts";
import { readWav } from "../voice/recordings.ts";

export interface SpeechServer {
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

export async function startSpeechServer(): Promise<SpeechServer> {
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
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
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
