/** Tests `/allowlist`: its effect on the config file, and on who is answered. */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
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

  it("never closes a server by the first entry of a list", () =>
    play(async (scene) => {
      const { say, mention, decided, configFile, here } = scene;
      await registered(scene);
      const before = readFileSync(configFile, "utf8");
      const refused = await use(scene, ["ada", here], "add", "grace");
      const [krill] = scene.simulator.world.guilds.keys();
      assert.ok(
        refused.includes(
          `\`barnacle config set 'channels.discord.guilds.${krill}.users' ` +
            `'["${scene.user("grace").id}"]'\``,
        ),
        refused,
      );
      assert.equal(readFileSync(configFile, "utf8"), before);
      assert.equal(await decided(say("grace", here, `${mention} hello`)), "accept: mentioned");
    }));

  it("changes the list of a server, with the same words as a text", () =>
    play(async (scene) => {
      const { say, mention, decided, replies, eventually, configFile, here } = scene;
      assert.match(await decided(say("grace", here, `${mention} hello`)), /^ignore: /);
      say("ada", here, `/allowlist add ${scene.user("grace").id}`);
      assert.match((await replies(here, 1))[0] ?? "", /is now on `.*\.users`\.$/);
      await eventually(
        "the config to apply",
        async () => await decided(say("grace", here, `${mention} hello?`)) === "accept: mentioned",
      );
      const before = readFileSync(configFile, "utf8");
      const byGrace = say("grace", here, `/allowlist remove ${scene.user("ada").id}`);
      assert.match(await decided(byGrace), /^ignore: /);
      await registered(scene);
      assert.equal(await use(scene, ["grace", here], "remove", "ada"), NOT_AUTHORIZED);
      assert.equal(readFileSync(configFile, "utf8"), before);
    }, {
      discord: ({ world }) => ({
        guilds: { [[...world.guilds.keys()][0] ?? ""]: { users: ["ada", "eve"] } },
      }),
    }));

  it("[K4] says what to do if the file cannot be written, and changes nothing", () =>
    play(async (scene) => {
      const { configFile } = scene;
      await registered(scene);
      const before = readFileSync(configFile, "utf8");
      // A file of another writer. Tests may run as root, who may write files without write access.
      writeFileSync(join(dirname(configFile), `.${basename(configFile)}.part`), "");
      const failed = await use(scene, ["ada", "dm"], "add", "grace");
      assert.match(failed, /nothing has changed: .*`barnacle config set '.*allowFrom\[\+\]' \d+`/);
      assert.equal(readFileSync(configFile, "utf8"), before);
    }));
});
