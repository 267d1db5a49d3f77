/** Tests resets of sessions, `/context`, and the forgetting of a person beside the running bot. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const HERE = { discord: () => ({ historyLimit: 0 }) };

describe("sessions and people", () => {
  const play = sharedBot(HERE);

  describe("[S4a] a session", () => {
    it("begins a new transcript while the bot runs, and deletes nothing", () =>
      play(async ({ say, mention, replies, model, cli, rows, here }) => {
        say("grace", here, `${mention} The word is barnacle.`);
        await replies(here, 1);
        const { stdout } = await cli("sessions", "list", "--json");
        const [session] = JSON.parse(stdout.join(""));
        assert.match(session.name, new RegExp(`^discord:.*#${here}$`));
        assert.deepEqual((await cli("sessions", "reset", session.sessionKey)).code, 0);
        say("grace", here, `${mention} Which word?`);
        await replies(here, 2);
        const texts = model.requests.at(-1)?.messages.map(({ text }) => text).join("\n") ?? "";
        assert.match(texts, /Which word/);
        assert.doesNotMatch(texts, /The word is barnacle/);
        assert.deepEqual(rows("SELECT kind, last_entry FROM checkpoint"), [{
          kind: "reset",
          last_entry: 2,
        }]);
        assert.equal(rows("SELECT COUNT(*) AS n FROM entry")[0]?.["n"], 4);
      }));
  });

  describe("[X5] a person", () => {
    it("is forgotten beside the running bot, which goes on", () =>
      play(async (scene) => {
        const { say, mention, replies, cli, dataDir, user, here } = scene;
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

  describe("[S2] the list of sessions", () => {
    it("keeps the names of places after the people who wrote there are forgotten", () =>
      play(async ({ say, mention, replies, user, cli, here }) => {
        say("grace", here, `${mention} hello`);
        await replies(here, 1);
        const isNamed = new RegExp(`discord:krill\\S*#${here} `);
        const names = async () => (await cli("sessions", "list")).stdout.join("\n");
        assert.match(await names(), isNamed);
        const { code, stderr } = await cli("forget", user("grace").id, "--yes");
        assert.equal(code, 0, stderr.join("\n"));
        assert.match(await names(), isNamed);
      }));
  });
});
