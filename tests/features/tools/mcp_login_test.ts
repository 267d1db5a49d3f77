/** Tests logins to MCP servers as owners see them: in Discord, and in the terminal (T13). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { startOAuthServer } from "../../support/model/mcp_oauth.ts";

describe("[T13] the bot", () => {
  it("signs an owner in from Discord, and shows the address to no other person", async () => {
    await using server = await startOAuthServer();
    const config = {
      commands: { ownerAllowFrom: ["1456074443980800000"] }, // ada
      mcp: { servers: { far: { url: server.url } } },
      tools: { allow: ["mcp__far"] },
    };
    await withSimulation({ config }, async (scene) => {
      const { start, say, mention, replies, written, until } = scene;
      await start();
      await registered(scene);
      const menu = (as: string, subcommand: string, options = {}) =>
        give(scene, { as, in: "#general", name: "mcp", subcommand, options });
      const addressIn = (text: string) => /<(http:[^>]*)>/.exec(text)?.[1] ?? "";
      assert.match(
        await menu("grace", "login", { server: "far" }),
        /^You are not authorized to do that\.$/,
      );
      assert.match(await menu("ada", "list"), /– `far`: no login$/);
      assert.match(
        await menu("ada", "login", { server: "near" }),
        /no MCP server "near"; it has: far/,
      );

      // The browser is on another machine.
      const far = { server: "far" };
      const first = server.allow(addressIn(await menu("ada", "login", far))).href;
      const wrong = await menu("ada", "login", { ...far, answer: "http://127.0.0.1/?state=x" });
      assert.match(wrong, /belongs to no sign-in to `far`/);
      assert.match(await menu("ada", "login", { ...far, answer: first }), /logged in to `far`/);
      assert.match(await menu("ada", "login", { ...far, answer: first }), /belongs to no sign-in/);
      say("grace", "general", `${mention}\ncall: mcp__far__look {}`);
      assert.match((await replies("general", 1))[0] ?? "", /done as Bearer \[redacted\]/);
      assert.match(await menu("ada", "list"), /– `far`: logged in$/);
      assert.match(await menu("ada", "logout", far), /have deleted the login to `far`/);
      assert.match(await menu("ada", "logout", far), /no login to `far`/);

      // The browser comes back to the bot's machine. The command is a direct message.
      say("ada", "dm", "/mcp login far");
      const asked = () => written("dm", "ada").find((text) => text.includes("open this address"));
      await until("the address", () => asked() !== undefined);
      const back = await fetch(server.allow(addressIn(asked() ?? "")));
      assert.equal(back.status, 200);
      await back.body?.cancel();
      await until(
        "the direct message",
        () => written("dm", "ada").some((text) => text.includes("logged in to `far`")),
      );
      assert.match(await menu("ada", "list"), /– `far`: logged in$/);
      assert.ok(!written("general", "ada").some((text) => /state=|\/mcp/.test(text)));
    });
  });
});
