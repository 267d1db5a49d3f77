import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rulesOf, turnTools } from "../../../src/flows/turn/turn_rules.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import { discord } from "../../../src/tools/discord/discord.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import {
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { toolNamed } from "../../support/model/tools.ts";

const GUILD = guildPlace().guild.id;
const BOB = userId("987654321098765432");

const ALL = [toolNamed("remind"), toolNamed("web_fetch"), toolNamed("exec")];

const OWNERS = { commands: { ownerAllowFrom: [OWNER] } };
const namesOf = (tools: readonly Tool[]) => tools.map(({ name }) => name).join(" ");
const from = (id: typeof OWNER, message: InboundMessage = guildMessage()): InboundMessage => ({
  ...message,
  sender: sender({ id }),
});

/** The tools by a config that a test may replace. */
async function setUp(discord: object, beside: object = OWNERS) {
  const scene = await testAccount({ discord, beside });
  const { account, reload } = scene;
  let tools: readonly Tool[] = ALL;
  Object.assign(account.bot, { toolServices: { ...account.bot.toolServices, tools: () => tools } });
  return {
    ...scene,
    toolsFor: (...of: Parameters<typeof turnTools> extends [unknown, ...infer Of] ? Of : never) =>
      turnTools(account, ...of),
    reload: (discord: object, beside: object = OWNERS) => reload(discord, beside),
    has: (now: readonly Tool[]) => void (tools = now),
  };
}

describe("[T2] turnTools()", () => {
  it("gives a turn the tools of its sender and place", async () => {
    const { toolsFor } = await setUp({
      guilds: { [GUILD]: { toolsBySender: { [BOB]: { deny: ["remind"] } } } },
    });
    assert.equal(namesOf(toolsFor(from(OWNER), "main")), "remind web_fetch exec");
    assert.equal(namesOf(toolsFor(from(BOB), "main")), "web_fetch");
    assert.equal(namesOf(toolsFor(from(BOB, directMessage()), "main")), "remind web_fetch");
  });

  it("[T3] gives a turn the parts of a tool whose gates are open", async () => {
    const { toolsFor, has } = await setUp({ guilds: { [GUILD]: {} }, actions: { polls: false } });
    has([discord]);
    const [tool] = toolsFor(from(OWNER), "main");
    assert.match(tool?.description ?? "", /\nsendMessage\(/);
    assert.doesNotMatch(tool?.description ?? "", /\npoll\(/);
  });

  it("[N1] gives each agent its own tools, also for the same message", async () => {
    const { toolsFor } = await setUp({ guilds: { [GUILD]: {} } }, {
      ...OWNERS,
      agents: {
        list: [{ id: "main", tools: { deny: ["remind"] } }, {
          id: "helper",
          tools: { deny: ["web_fetch"] },
        }],
      },
    });
    const message = from(BOB);
    for (const _ of ["decided", "remembered"]) {
      assert.equal(namesOf(toolsFor(message, "main")), "web_fetch");
      assert.equal(namesOf(toolsFor(message, "helper")), "remind");
      assert.equal(namesOf(toolsFor(from(BOB), "helper")), "remind");
    }
  });

  it("recognises the application's owners if the config lists none", async () => {
    const { toolsFor, quiet } = await setUp({ guilds: { [GUILD]: {} } }, { commands: {} });
    toolsFor(from(OWNER), "main"); // asks Discord
    await quiet();
    assert.equal(namesOf(toolsFor(from(OWNER), "main")), "remind web_fetch exec");
    assert.equal(namesOf(toolsFor(from(BOB), "main")), "remind web_fetch");
  });

  it("decides again about the same person in the same place if the policy changes", async () => {
    const { toolsFor, reload } = await setUp({ guilds: { [GUILD]: {} } });
    const [bob, owner] = [from(BOB), from(OWNER)];
    assert.equal(toolsFor(bob, "main"), toolsFor(bob, "main"));
    assert.equal(namesOf(toolsFor(owner, "main")), "remind web_fetch exec");
    await reload({ guilds: { [GUILD]: { tools: { deny: ["remind"] } } } });
    assert.equal(namesOf(toolsFor(bob, "main")), "web_fetch");
    assert.equal(namesOf(toolsFor(owner, "main")), "web_fetch exec");
  });

  it("goes by the tools that there are now, and gives a hook none that it is not allowed", async () => {
    const { toolsFor, has } = await setUp({ guilds: { [GUILD]: {} } });
    has([toolNamed("remind")]);
    assert.equal(namesOf(toolsFor(from(OWNER), "main")), "remind");
    const exec = toolNamed("exec");
    has([exec]);
    assert.equal(toolsFor(from(OWNER), "main")[0], exec);
    has([{ ...exec }]);
    assert.notEqual(toolsFor(from(OWNER), "main")[0], exec);
    const origin = { kind: "hook", hook: "deploys", count: 1, post: "" } as const;
    assert.deepEqual(toolsFor({ ...from(OWNER), origin }, "main"), []);
  });

  it("[C9] a reload changes the next turn, and not a turn that has begun", async () => {
    const { account, reload } = await setUp({ guilds: { [GUILD]: {} } });
    const running = rulesOf(account, "main")(from(OWNER));
    await reload({ guilds: { [GUILD]: {} } }, { ...OWNERS, tools: { deny: ["*"] } });
    assert.equal(namesOf(running.tools), "remind web_fetch exec");
    const next = rulesOf(account, "main")(from(OWNER));
    assert.deepEqual([next.tools, next.instructions.hasTools], [[], false]);
  });
});
