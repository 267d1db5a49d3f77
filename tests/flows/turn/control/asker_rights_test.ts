import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createToolbox } from "../../../../src/agent/toolbox.ts";
import { createMissingRight } from "../../../../src/flows/turn/control/asker_rights.ts";
import type { InboundMessage } from "../../../../src/core/inbound/inbound.ts";
import { PERMISSIONS } from "../../../../src/core/rights/permissions.ts";
import {
  createMissingPermission,
  type FindMissingPermission,
} from "../../../../src/discord/rest/permissions/denial.ts";
import { TOOLS } from "../../../../src/tools/registry.ts";
import { withDiscord } from "../../../discord/rest/simulated.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  userId,
} from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { cleanSecrets, noReaders, toolContext } from "../../../support/model/tools.ts";
import { sameData } from "../../../support/same_data.ts";

const OWNER = userId("1");
const message = (id: string): InboundMessage => {
  const made = guildMessage();
  return { ...made, sender: { ...made.sender, id: userId(id) } };
};

function setUp(missingPermission: FindMissingPermission) {
  return createMissingRight({ missingPermission, isOwner: ({ sender }) => sender.id === OWNER });
}

const none: FindMissingPermission = (_place, needed) => Promise.resolve(needed[0]);

describe("[T4] createMissingRight()", () => {
  it("asks about each sender once, in the place of the message", async () => {
    const asked: unknown[] = [];
    const missingRight = setUp((place, needed) => {
      asked.push([place, needed]);
      return Promise.resolve(undefined);
    });
    const { channelId, guildId } = message("7");
    assert.equal(
      await missingRight([message("7"), message("8"), message("7")], ["View Channel"]),
      undefined,
    );
    assert.deepEqual(asked, [
      [{ channelId, guildId, userId: "7" }, ["View Channel"]],
      [{ channelId, guildId, userId: "8" }, ["View Channel"]],
    ]);
  });

  it("lets an owner do everything, but not the others of the turn", async () => {
    const missingRight = setUp(none);
    assert.equal(await missingRight([message("1")], ["View Channel"]), undefined);
    assert.equal(
      await missingRight([message("1"), message("7")], ["View Channel"]),
      "View Channel",
    );
  });

  it("needs nothing in direct messages, which have no permissions", async () => {
    assert.equal(await setUp(none)([directMessage()], ["View Channel"]), undefined);
  });

  for (const tool of TOOLS.filter(({ needs }) => needs.length > 0)) {
    it(`runs ${tool.name} only for people with each of its permissions`, async () => {
      for (const lacking of tool.needs) {
        assert.ok(lacking in PERMISSIONS, lacking);
        let runs = 0;
        const missingRight = setUp((_place, needed) =>
          Promise.resolve(needed.find((permission) => permission === lacking))
        );
        const toolbox = createToolbox([{
          ...tool,
          input: tool.input.catch({}),
          run: () => Promise.resolve(`${++runs}`),
        }], {
          timeoutMs: 1_000,
          schedule: new FakeClock().schedule,
          cleanSecrets,
          fence: (result) => result,
          readers: noReaders,
          missingRight: (needs) => missingRight([asker], needs),
        });
        const call = { id: "1", name: tool.name, arguments: "{}" };
        let asker = message("7");
        assert.deepEqual(await toolbox.run(call, toolContext()), {
          end: "failed",
          text: `Error: the asker may not do this here: ${lacking} is missing`,
          refused: "permission",
        });
        assert.equal(runs, 0);
        asker = message("1");
        assert.deepEqual(await toolbox.run(call, toolContext()), { end: "done", text: "1" });
      }
    });
  }

  it("runs no tool if the permissions cannot be read", async () => {
    const [tool] = TOOLS.filter(({ needs }) => needs.length > 0);
    assert.ok(tool);
    const toolbox = createToolbox([{ ...tool, input: tool.input.catch({}) }], {
      timeoutMs: 1_000,
      schedule: new FakeClock().schedule,
      cleanSecrets,
      fence: (result) => result,
      readers: noReaders,
      missingRight: () => Promise.reject(new Error("no answer")),
    });
    const call = { id: "1", name: tool.name, arguments: "{}" };
    sameData(await toolbox.run(call, toolContext()), {
      end: "failed",
      text: "Error: no answer",
    });
  });
});

describe("[T4] createMissingPermission()", () => {
  it("finds the permission that a user lacks in a channel or thread", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const missing = createMissingPermission(api, Date.now);
      const place = {
        channelId: demo.channels.help.id,
        guildId: demo.krill.id,
        userId: demo.barnacle.userId,
      };
      const needed = ["View Channel", "Read Message History"];
      assert.equal(await missing(place, needed), undefined);
      sim.permit({ to: "Barnacle", what: "readMessageHistory", as: "denied", in: "#help" });
      assert.equal(await missing(place, needed), "Read Message History");
      assert.equal(await missing({ ...place, channelId: channelId("1") }, needed), "View Channel");
      assert.equal(await missing(place, ["Walk the Plank"]), "Walk the Plank");
      const { guildId: _, ...direct } = place;
      assert.equal(await missing(direct, needed), undefined);
    }));
});
