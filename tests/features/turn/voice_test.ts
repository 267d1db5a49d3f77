/** Tests voice messages, in and out. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { oggOpus } from "../../support/files/samples.ts";

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
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    await play(`http://127.0.0.1:${address.port}/v1`, heard);
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

/** A server on this machine; returns its address and how to close it. */
async function serve(answer: (url: string) => object) {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer(request.url ?? "")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

describe("[T6] [T9] tools without a config", () => {
  const play = sharedBot({});

  it("[SEC-R23] web_fetch reaches nothing on this machine, and the model learns why", () =>
    play(async ({ say, mention, replies, here }) => {
      let requests = 0;
      const server = createServer((_request, response) => {
        requests++;
        response.end("canary");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const calls = ["http://127.0.0.1/", "http://localhost/", `http://[::1]:${port}/`]
          .map((url) => `call: web_fetch ${JSON.stringify({ url })}`);
        say("grace", here, [mention, ...calls].join("\n"));
        const [reply = ""] = await replies(here, 1);
        assert.match(reply, /127\.0\.0\.1 is not on the public internet/);
        assert.match(reply, /only the ports 80 and 443/);
        assert.doesNotMatch(reply, /canary/);
        assert.equal(requests, 0);
      } finally {
        server.close();
      }
    }));
});

describe("[T9] web_search in the bot", () => {
  it("asks the operator's engine, and [R9] a found link stays whole, without a preview", async () => {
    const hit = { url: "https://evil.example/?k=1", title: "Tides", content: "High at noon." };
    const engine = await serve(() => ({ results: [hit] }));
    const config = { search: { kind: "searxng", url: engine.url } };
    try {
      await withSimulation({ config }, async ({ start, say, mention, replies, model }) => {
        await start();
        say("grace", "general", `${mention}\ncall: web_search {"query":"tides"}`);
        const [reply = ""] = await replies("general", 1);
        assert.match(reply, /1\. Tides/);
        assert.match(reply, /High at noon\./);
        assert.match(reply, /<https:\/\/evil\.example\/\?k=1>/);
        assert.doesNotMatch(model.requests.at(-1)?.system ?? "", /no web search/);
      });
    } finally {
      engine.close();
    }
  });
});
