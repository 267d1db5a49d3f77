import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTurnTools } from "../../../src/flows/judging/turn_tools.ts";
import { prepareTurnRules } from "../../../src/flows/turn/turn_rules.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import { prepareToolAccess } from "../../../src/policy/tool_access.ts";
import { loadTestConfig } from "../../support/config.ts";
import {
  directMessage,
  guildMessage,
  guildPlace,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { toolNamed } from "../../support/model/tools.ts";

const GUILD = guildPlace().guild.id;
const OWNER = userId("987654321098765000");
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
  const read = async (discord: object, beside: object) => {
    const config = await loadTestConfig(discord, beside);
    const { access: policy } = config.discord;
    return { config, policy, decideTools: prepareToolAccess(policy) };
  };
  let current = await read(discord, beside);
  const toolsFor = createTurnTools({ policy: () => current }, {
    toolServices: { tools: () => ALL },
    ownsApplicationAsRead: (id) => id === OWNER,
  });
  return {
    toolsFor,
    config: () => current.config,
    async reload(discord: object, beside: object = OWNERS) {
      current = await read(discord, beside);
    },
  };
}

describe("[T2] createTurnTools()", () => {
  it("gives a turn the tools of its sender and place", async () => {
    const { toolsFor } = await setUp({
      guilds: { [GUILD]: { toolsBySender: { [BOB]: { deny: ["remind"] } } } },
    });
    assert.equal(namesOf(toolsFor(from(OWNER), "main")), "remind web_fetch exec");
    assert.equal(namesOf(toolsFor(from(BOB), "main")), "web_fetch");
    assert.equal(namesOf(toolsFor(from(BOB, directMessage()), "main")), "remind web_fetch");
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
    const { toolsFor } = await setUp({ guilds: { [GUILD]: {} } }, {});
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

  it("[C9] a reload changes the next turn, and not a turn that has begun", async () => {
    const { toolsFor, config, reload } = await setUp({ guilds: { [GUILD]: {} } });
    const rulesFor = () =>
      prepareTurnRules(config(), config().agentList[0], {
        cleanSecrets: (text) => text,
        uploadLimit: () => 1,
        takesFiles: () => true,
        tools: toolsFor,
        instructionFiles: () => [],
        skills: () => [],
        isOwner: () => false,
        policy: () => config().discord.access,
      });
    const running = rulesFor()(from(OWNER));
    await reload({ guilds: { [GUILD]: {} } }, { ...OWNERS, tools: { deny: ["*"] } });
    assert.equal(namesOf(running.tools), "remind web_fetch exec");
    const next = rulesFor()(from(OWNER));
    assert.deepEqual([next.tools, next.instructions.hasTools], [[], false]);
  });
});
