/** Answers OpenAI's two endpoints of speech, in sound that carries its text (`spoken_text.ts`). */

import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { readSound, speakText } from "./spoken_text.ts";

/** The words of every recording that is no WAV: the built-in model hears nothing. */
const HEARD = "When is low tide?";

const WAV_HEADER_BYTES = 44;
const asked = z.object({ input: z.string(), response_format: z.literal("pcm") });

/** @returns Whether the path is one of them. */
export async function answerSpeech(
  path: string,
  incoming: IncomingMessage,
  res: ServerResponse,
): Promise<boolean> {
  if (path !== "/v1/audio/transcriptions" && path !== "/v1/audio/speech") return false;
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (path === "/v1/audio/transcriptions") {
    const headers = { "content-type": incoming.headers["content-type"] ?? "" };
    const form = await new Response(body, { headers }).formData();
    const file = form.get("file");
    const text = textOf(file instanceof Blob ? Buffer.from(await file.arrayBuffer()) : body);
    res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ text }));
    return true;
  }
  const { success, data } = asked.safeParse(JSON.parse(body.toString()));
  if (!success) {
    res.writeHead(400).end();
    return true;
  }
  const pcm = speakText(data.input);
  res.writeHead(200, { "Content-Type": "audio/pcm" });
  res.end(Buffer.from(pcm.buffer, 0, pcm.byteLength));
  return true;
}

function textOf(file: Buffer): string {
  if (file.toString("latin1", 0, 4) !== "RIFF") return HEARD;
  const length = (file.length - WAV_HEADER_BYTES) >> 1;
  return readSound(
    Int16Array.from({ length }, (_, at) => file.readInt16LE(WAV_HEADER_BYTES + 2 * at)),
  );
}
