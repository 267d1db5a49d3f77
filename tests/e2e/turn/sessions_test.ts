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
});
