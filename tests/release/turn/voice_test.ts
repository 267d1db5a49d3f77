/** Tests voice messages, in and out. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { oggOpus } from "../../support/files/samples.ts";
import { listening } from "../../support/network/listening.ts";

/** A server that hears and speaks; `speak` answers its other requests. */
async function withSpeech(
  play: (baseUrl: string, heard: string[]) => Promise<void>,
  answers: { readonly text?: string; readonly fails?: boolean } = {},
): Promise<void> {
  const heard: string[] = [];
  const server = createServer((request, answer) => {
    heard.push(request.url ?? "");
    request.resume().on("end", () => {
      if (answers.fails) answer.writeHead(500).end();
      else if (request.url?.endsWith("/speech")) answer.end(oggOpus(2));
      else answer.end(JSON.stringify({ text: answers.text ?? "when is low tide" }));
    });
  });
  const port = await listening(server);
  try {
    await play(`http://127.0.0.1:${port}/v1`, heard);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const speaking = (baseUrl: string, audio: object, more: object = {}, prices: object = {}) => ({
  config: {
    ...more,
    audio,
    models: { providers: { speech: { kind: "openai-compatible", baseUrl, prices } } },
  },
});

function sayAloud({ simulator }: Scene, seconds = 4, as = "ada", where = "dm") {
  const bytes = oggOpus(seconds);
  return simulator.say({
    as,
    in: where,
    text: "",
    attachments: [{
      filename: "voice-message.ogg",
      contentType: "audio/ogg",
      sizeBytes: bytes.length,
      bytes,
      voice: { durationSecs: seconds, waveform: "AAAA" },
    }],
  });
}

const prompt = ({ model }: Scene): string =>
  model.requests.at(-1)?.messages.findLast(({ role }) => role === "user")?.text ?? "";

describe("[H10] [R16] voice messages", () => {
  it("answers the words of a voice message, in text and as one voice message", () =>
    withSpeech((baseUrl, heard) =>
      withSimulation(
        speaking(baseUrl, { transcribe: "speech/ear", speak: "speech/mouth" }),
        async (scene) => {
          await scene.start();
          sayAloud(scene);
          const [text] = await scene.replies("dm", 2, "ada");
          assert.match(text ?? "", /when is low tide/);
          assert.match(
            prompt(scene),
            /\[voice message of 4 s[^\]]*\]\n<message [^>]*>\nwhen is low/,
          );
          const [, voice] = scene.simulator.posted();
          assert.equal(voice?.flags, 8192 + 4096); // a voice message, and silent: the text notifies
          assert.equal(voice?.content, "");
          assert.equal(voice?.attachments[0]?.voice?.durationSecs, 2);
          assert.deepEqual(heard, ["/v1/audio/transcriptions", "/v1/audio/speech"]);
          scene.say("ada", "dm", "and in writing?");
          await scene.replies("dm", 3, "ada");
          assert.equal(heard.length, 2);
        },
      )
    ));
});
