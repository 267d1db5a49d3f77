/** Tests whose rights a scheduled run has: the law covers random roles, before and at the run. */

import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { Account } from "../../../src/core/account/account.ts";
import type { InboundMessage, Role } from "../../../src/core/inbound/inbound.ts";
import { originOf } from "../../../src/core/turn/schedule.ts";
import type { Judging } from "../../../src/flows/judging/judging.ts";
import type { CurrentPolicy } from "../../../src/flows/judging/policy_keeper.ts";
import { createSchedules } from "../../../src/flows/schedules/schedules.ts";
import { policy } from "../../policy/policies.ts";
import { testAccount } from "../../support/account.ts";
import { guildMessage, guildPlace, roleId, sender } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore, ROUTE } from "../../support/store/store.ts";

const roles: fc.Arbitrary<readonly Role[]> = fc.subarray([{ id: roleId("31") }, {
  id: roleId("32"),
}]);

it("[T12] a run has the roles that its creator has then, and no lost one (law)", () =>
  fc.assert(
    fc.asyncProperty(roles, fc.option(roles, { nil: undefined }), async (before, now) => {
      const { account, clock } = testAccount();
      const { store } = openTestStore();
      const judged: InboundMessage[] = [];
      const judge = (message: InboundMessage) => {
        judged.push(message);
        return { verdict: { kind: "accept", why: "mentioned", rule: "r" } } as const;
      };
      const schedules = createSchedules({
        ...account,
        store,
        policy: () => ({ policy: policy() }) as CurrentPolicy,
        events: { emit: { asked: () => {} } },
      } as Account<typeof store, CurrentPolicy>, {
        judging: { judge: { judge } as Judging["judge"], route: () => ROUTE },
        hasAgent: () => true,
        rolesNow: () => Promise.resolve(now),
        placeNow: () => guildPlace(),
        timezone: () => "UTC",
        reminderRules: () => assert.fail("a task is no reminder"),
        tellOwners: () => {},
      });
      const origin = originOf(guildMessage({ sender: sender({ roles: before }) }), "main");
      const task = { callKey: "call", origin, kind: "task", text: "sum up", nextAt: 1 } as const;
      await store.schedules.create(task, clock.now());
      schedules.start();
      for (let turn = 0; turn < 30; turn++) await settle();
      await schedules.stop();
      assert.deepEqual(judged.map((one) => one.sender.roles), now === undefined ? [] : [now]);
      const claim = await store.inbox.claimNext(account.accountId, clock.now(), []);
      assert.deepEqual(claim?.message.sender.roles, now);
    }),
    { numRuns: 10 },
  ));
