/**
 * Tests that no secret of the config leaves by any exit: answers, `barnacle send`, files and the log.
 *
 * Each secret path of the config holds a canary. The scripted model repeats its input, so a user who
 * asks for a secret gets it unless Barnacle removes it.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { onStage, type Scene, type SceneOptions } from "../../support/bot/e2e.ts";

/** Canaries by config path. */
const CANARIES = {
  httpToken: "canary-http-token-bQ7zK2mX9pL4vR8wT1",
  pluralkit: "canary-pluralkit-aH3nC6jY0sD5gU2eW7",
  otherKey: "canary-other-key-xF8kB1qV4tN9rM3zJ6",
  otherHeader: "canary-header-pS2lG7yT5cE0hO9uA4",
  anthropicKey: "canary-anthropic-wD6iZ1fK8mQ3bX5vL0",
} as const;

/** A provider that answers no turn: its secrets are in the file, and nothing else uses them. */
const OPTIONS: SceneOptions = {
  discord: () => ({ pluralkit: { enabled: true, token: CANARIES.pluralkit } }),
  config: {
    http: { port: 0, token: CANARIES.httpToken },
    models: {
      providers: {
        other: {
          kind: "openai-compatible",
          baseUrl: "http://127.0.0.1:9/v1",
          apiKey: CANARIES.otherKey,
          headers: { "x-team": CANARIES.otherHeader },
        },
      },
    },
  },
  env: { ANTHROPIC_API_KEY: CANARIES.anthropicKey },
};

/** All canaries, and the bot's own token. */
function canaries({ simulator }: Scene): readonly string[] {
  return [...Object.values(CANARIES), simulator.token];
}

/** Everything that Discord received from the bot, files included. */
function posted({ simulator }: Scene): string {
  return JSON.stringify(
    simulator.posted("general").map(({ content, attachments }) => [
      content,
      attachments.map(({ filename, bytes }) => [filename, new TextDecoder().decode(bytes)]),
    ]),
  );
}

function judge(scene: Scene, output: string): void {
  for (const canary of canaries(scene)) assert.ok(!output.includes(canary), canary.slice(0, 16));
}

describe("[SEC-R10] [SEC-R9] [R10] secrets of the config", () => {
  it("leave neither in an answer nor in the log of a run", () =>
    onStage(OPTIONS, async (scene) => {
      const { start, say, mention, replies } = scene;
      const bot = await start();
      for (const [index, canary] of canaries(scene).entries()) {
        say("grace", "general", `${mention} repeat ${canary}`);
        await replies("general", index + 1);
      }
      assert.match(posted(scene), /\[redacted\]/);
      judge(scene, posted(scene));
      judge(scene, bot.lines.join("\n"));
    }));

  it("leave neither in a text nor in a file of barnacle send", () =>
    onStage(OPTIONS, async (scene) => {
      const { simulator, command, configFile, dataDir } = scene;
      const file = join(dataDir, "notes.txt");
      writeFileSync(file, `the keys are ${canaries(scene).join(" and ")}`);
      const ran = await command(
        [
          ...["send", `channel:${simulator.channel("general").id}`, canaries(scene).join(" ")],
          ...["--file", file, "--config", configFile, "--data", dataDir],
        ],
        {
          ...OPTIONS.env,
          DISCORD_API_URL: simulator.apiUrl,
          DISCORD_BOT_TOKEN: simulator.token,
        },
      );
      assert.equal(ran.code, 0, ran.stderr.join("\n"));
      assert.equal(posted(scene).split("[redacted]").length - 1, 2 * canaries(scene).length);
      judge(scene, posted(scene));
      judge(scene, [...ran.stdout, ...ran.stderr].join("\n"));
    }));
});
