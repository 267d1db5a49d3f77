/** Tests which messages are answered where, as people on Discord see it. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { pdf, png } from "../../support/files/samples.ts";
import { type SaidCalls, startFixedModel } from "../../support/model/fixed_model.ts";

const HERE = { discord: () => ({ historyLimit: 0 }) };

describe("sessions and people", () => {
  const play = sharedBot(HERE);

  describe("[X5] a person", () => {
    it("is forgotten beside the running bot, which goes on", () =>
      play(async ({ say, mention, replies, cli, dataDir, user, here }) => {
        const { id: asked } = say("grace", here, `${mention} My canary sings.`);
        await replies(here, 1);
        say("ada", here, `${mention} Good morning.`);
        await replies(here, 2);
        const { id } = user("grace");
        const media = join(dataDir, "media", asked);
        mkdirSync(media, { recursive: true });
        writeFileSync(join(media, `${id}-1400000000000000077.txt`), "Her canary sings.");
        const { code, stdout, stderr } = await cli("forget", id, "--yes");
        assert.equal(code, 0, stderr.join("\n"));
        assert.match(stdout[0] ?? "", /^Forgot user/);
        assert.ok(!existsSync(media), "her files, and the folder with the id of her message");
        for (const file of readdirSync(dataDir).filter((name) => name.startsWith(DATABASE_NAME))) {
          const bytes = readFileSync(join(dataDir, file), "latin1");
          // The model's own answer repeats her words, and stays.
          assert.ok(!bytes.includes(id), file);
          assert.ok(!/\bgrace\b/i.test(bytes), file);
        }
        say("ada", here, `${mention} Still there?`);
        assert.match((await replies(here, 3))[2] ?? "", /Still there/);
      }));
  });
});

const CALL: SaidCalls = {
  calls: [{ id: "call_1", name: "read_channel_history", arguments: '{"limit":1}' }],
};

const FILES = {
  "report.pdf": pdf(["The krill harvest grew by 12 percent."]),
  "krill.png": png(8, 8),
};

/** Sends files with a message to the bot. */
function send({ simulator, mention }: Scene, text: string): void {
  simulator.say({
    as: "grace",
    in: "general",
    text: `${mention} ${text}`,
    attachments: Object.entries(FILES).map(([filename, bytes]) => ({
      filename,
      bytes,
      sizeBytes: bytes.length,
    })),
  });
}

/** A message of a request in OpenAI's format. */
interface Sent {
  readonly role: string;
  readonly text: string;
  readonly images: number;
}

function messagesOf(body = "{}"): readonly Sent[] {
  const { messages = [] }: {
    readonly messages?: readonly {
      readonly role: string;
      readonly content?: string | readonly { readonly type: string; readonly text?: string }[];
    }[];
  } = JSON.parse(body);
  return messages.map(({ role, content = "" }) => {
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content ?? [];
    return {
      role,
      text: parts.map(({ text = "" }) => text).join("\n"),
      images: parts.filter(({ type }) => type === "image_url").length,
    };
  });
}

describe("[S5] [H7] messages that join a running turn", () => {
  for (const point of [undefined, "after:TS:2"]) {
    it(`have their files and images read${point ? `, also after a crash at ${point}` : ""}`, async () => {
      const held = Promise.withResolvers<SaidCalls>();
      await using model = await startFixedModel((_asked, { messages }) => {
        const newest = messages.findLast(({ role }) => role === "user")?.text ?? "";
        if (newest.includes("what do you see now")) return "the same";
        return messages.some(({ role }) => role === "tool") ? "seen" : held.promise;
      });
      await withSimulation({
        env: { OPENAI_BASE_URL: model.baseUrl },
        config: { messages: { queue: { mode: "steer" } } },
      }, async (scene) => {
        const { say, mention, replies, start, until, rows, eventually } = scene;
        const bot = await start(point === undefined ? {} : { BARNACLE_CRASH_AT: point });
        say("grace", "general", `${mention} look at this:`);
        await until("the request", () => model.requests.length > 0);
        send(scene, "here it is");
        await eventually(
          "the second message",
          () => Promise.resolve(rows("SELECT 1 FROM inbox").length === 2),
        );
        held.resolve(CALL);
        if (point !== undefined) {
          assert.deepEqual(await ended(bot), KILLED);
          await start();
        }
        assert.deepEqual(await replies("general", 1), ["seen"]);
        const [first, ...rest] = messagesOf(model.bodies.at(-1))
          .filter(({ role }) => role !== "system");
        assert.match(first?.text ?? "", /look at this:/);
        assert.equal(first?.images, 0);
        assert.deepEqual(rest.map(({ role }) => role), ["assistant", "tool", "assistant", "user"]);
        const joined = rest.at(-1);
        assert.match(joined?.text ?? "", /here it is/);
        assert.match(joined?.text ?? "", /: PDF\][^]*The krill harvest grew by 12 percent\./);
        assert.equal(joined?.images, 1);
        await eventually(
          "both answers",
          () => Promise.resolve(rows("SELECT 1 FROM inbox WHERE state <> 'answered'").length === 0),
        );

        say("grace", "general", `${mention} what do you see now?`);
        await replies("general", 2);
        const later = messagesOf(model.bodies.at(-1)).find(({ text }) => /here it is/.test(text));
        assert.match(later?.text ?? "", /The krill harvest/);
        assert.equal(later?.images, 1);
      });
    });
  }
});
