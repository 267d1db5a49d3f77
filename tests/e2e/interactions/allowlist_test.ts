/** Tests `/allowlist`: its effect on the config file, and on who is answered. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { give, registered } from "../../support/bot/slash.ts";

/** Ada, by the id that the simulator gives her. */
const CONFIG = { commands: { ownerAllowFrom: ["1456074443980800000"], config: true } };

const NOT_AUTHORIZED = "You are not authorized to do that.";

/** Gives `/allowlist` from the menu, where a person is chosen by name. */
function use(
  scene: Scene,
  [as, where]: readonly [as: string, where: string],
  subcommand: string,
  who?: string,
  list?: string,
): Promise<string> {
  return give(scene, {
    as,
    in: where,
    name: "allowlist",
    subcommand,
    ...(who !== undefined && { users: { user: scene.user(who).id } }),
    ...(list !== undefined && { options: { list } }),
  });
}

describe("[K2] /allowlist", () => {
  const play = sharedBot({ config: CONFIG });

  it("lets a person write direct messages, and not any more, without a pairing", () =>
    play(async (scene, bot) => {
      const { say, replies, decided, eventually, cli, rows, configFile, here } = scene;
      await registered(scene);
      const grace = scene.user("grace").id;
      assert.equal(await use(scene, ["grace", here], "add", "grace", "dm"), NOT_AUTHORIZED);
      assert.match(
        await use(scene, ["ada", "dm"], "list"),
        /allowFrom` has these people:\n– <@.*`ada`/,
      );
      assert.match(await use(scene, ["ada", "dm"], "add", "grace"), /^<@\d+> .* is now on/);
      assert.match(await use(scene, ["ada", here], "add", "grace", "dm"), /already/);
      assert.match(readFileSync(configFile, "utf8"), new RegExp(`"ada",?\\s*"${grace}"`));
      await scene.line(bot, /The config applies/);
      assert.equal(await decided(say("grace", "dm", "hello")), "accept: dm-allowed");
      await replies("dm", 1, "grace");

      say("ada", "dm", `/allowlist remove <@${grace}>`);
      const [text = ""] = await replies("dm", 1, "ada");
      assert.match(text, /is not on `channels\.discord\.dm\.allowFrom` any more\.$/);
      await eventually(
        "the config to apply",
        async () => await decided(say("grace", "dm", "hello?")) === "challenge: pairing",
      );
      const [request] = rows("SELECT code FROM pairing_request");
      assert.equal((await cli("pairing", "approve", String(request?.["code"]))).code, 0);
      assert.match(await use(scene, ["ada", "dm"], "list"), /Paired people[^]*`grace`/);
      assert.match(await use(scene, ["ada", "dm"], "remove", "grace"), /pairing .* has ended/);
      assert.deepEqual(rows("SELECT * FROM paired"), []);
    }));
});
