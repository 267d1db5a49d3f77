import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startInbound } from "../../../src/flows/inbound/accept.ts";
import { RestError, type RestErrorKind } from "../../../src/discord/rest/exchange/exchange.ts";
import { OWNER, testAccount } from "../../support/bot/test_account.ts";
import type { DiscordRequest } from "../../support/discord/answers.ts";
import { messageIdAt } from "../../support/discord/builders.ts";
import { ADA, SELF } from "../../support/discord/payloads.ts";

const DIRECT = "1400000000000000021";
const OWNERS = "1400000000000000022";

type Refusal = readonly [kind: RestErrorKind, status?: number, code?: number];

/** Ada gives `/old` directly. Discord answers a completion as the test says. */
async function given(
  completes: (request: DiscordRequest) => unknown,
  opens: () => unknown = () => undefined,
) {
  const said: string[] = [];
  const scene = await testAccount({
    discord: { dm: { policy: "open", allowFrom: ["*"] } },
    answer(request) {
      const { method, path, body } = request;
      if (path === "/users/@me/channels") {
        if (body["recipient_id"] === OWNER) return { id: OWNERS };
        return opens() ?? { id: DIRECT };
      }
      const isCompletion = method === "PATCH" && path.startsWith("/webhooks/");
      if (isCompletion) {
        const answer = completes(request);
        if (answer !== undefined) return answer;
        said.push(`completed: ${body["content"]}`);
      } else if (path.endsWith("/messages")) {
        said.push(`${path.includes(OWNERS) ? "owner" : "direct"}: ${body["content"]}`);
      }
      return undefined;
    },
  });
  await scene.receive("INTERACTION_CREATE", {
    id: messageIdAt(scene.clock.now()),
    application_id: SELF.applicationId,
    type: 2,
    token: "aW50ZXJhY3Rpb246dGVzdA",
    version: 1,
    channel_id: DIRECT,
    channel: { id: DIRECT, type: 1 },
    context: 1,
    user: ADA,
    data: { id: "1", name: "old", type: 1 },
  });
  return {
    ...scene,
    said,
    open: () => scene.rows("SELECT name FROM open_command").map(({ name }) => name),
  };
}

const error = ([kind, status, code]: Refusal) =>
  new RestError("refused", { kind, route: "PATCH /webhooks", ...{ status, code } as object });

const never = new Promise<never>(() => {});

describe("[K5] a command whose answer Discord does not take", () => {
  const refusals: readonly Refusal[] = [
    ["unauthorized", 401, 50027],
    ["not_found", 404, 10015],
    ["not_found", 404, 10008],
    ["rejected", 400, 50035],
    ["rejected", 400, 200000],
    ["forbidden", 403, 50013],
  ];
  for (const refusal of refusals) {
    it(`is answered once, by direct message › ${refusal.join(" ")}`, async () => {
      const { said, open, pass } = await given(() => error(refusal));
      await pass(60_000, 500);
      assert.deepEqual(said.map((text) => text.split(":")[0]), ["direct"]);
      assert.deepEqual(open(), []);
    });
  }

  const opening = [
    ["by direct message, once Discord opens one again", ["unavailable", 503], 3, "direct"],
    ["to the owners, if Discord opens none", ["forbidden", 403, 50007], Infinity, "owner"],
  ] as const;
  for (const [what, refusal, times, how] of opening) {
    for (const isCut of [false, true]) {
      it(`is answered once ${what}${isCut ? ", also after a kill" : ""}`, async () => {
        let left: number = times;
        let isNew = !isCut;
        const { account, said, open, pass } = await given(
          () => isNew ? error(["unauthorized", 401, 50027]) : never,
          () => left-- > 0 ? error(refusal) : undefined,
        );
        isNew = true;
        if (isCut) await startInbound(account);
        await pass(60_000, 500);
        assert.deepEqual(said.map((text) => text.split(":")[0]), [how]);
        assert.deepEqual(open(), []);
      });
    }
  }

  it("is answered by direct message after a kill once its token has ended", async () => {
    let isNew = false;
    const { account, said, open, pass } = await given(() =>
      isNew ? error(["unavailable", 503]) : never
    );
    isNew = true;
    await startInbound(account);
    await pass(16 * 60_000, 10_000);
    assert.deepEqual(said.map((text) => text.split(":")[0]), ["direct"]);
    assert.deepEqual(open(), []);
  });

  for (const down of [["unavailable", 503], ["unsent"]] as const) {
    it(`is answered once Discord takes it again › ${down[0]}`, async () => {
      let left = 8;
      const { said, open, pass } = await given(() => left-- > 0 ? error(down) : undefined);
      await pass(300_000, 5_000);
      assert.deepEqual(said.map((text) => text.split(":")[0]), ["completed"]);
      assert.deepEqual(open(), []);
    });

    it(`is answered by direct message once its token has ended › ${down[0]}`, async () => {
      const { said, open, pass } = await given(() => error(down));
      await pass(16 * 60_000, 10_000);
      assert.deepEqual(said.map((text) => text.split(":")[0]), ["direct"]);
      assert.deepEqual(open(), []);
    });
  }
});

describe("[K5] a command that a kill cut", () => {
  for (
    const [what, refusal, how] of [
      ["by its token", undefined, "completed"],
      ["by direct message", ["unauthorized", 401, 50027], "direct"],
      ["by direct message", ["not_found", 404, 10015], "direct"],
    ] as const
  ) {
    it(`ends with a word, once, ${what} ${refusal ?? ""}`, async () => {
      let isNew = false;
      const { account, said, open, pass, rows } = await given(() =>
        !isNew ? never : refusal ? error(refusal) : undefined
      );
      assert.deepEqual(open(), ["old"]);
      rows(
        `INSERT INTO decision (message_id, account_id, channel_id, author_id, verdict, why, rule, at)
        SELECT interaction_id, account_id, '${DIRECT}', sender_id, 'ignore', 'caught-up', '', 1
        FROM open_command RETURNING id`,
      );
      isNew = true;
      await startInbound(account);
      await pass(10_000, 1_000);
      assert.deepEqual(said, [
        `${how}: I was restarted before I could answer. Give \`/old\` again.`,
      ]);
      assert.deepEqual(open(), []);
      assert.deepEqual(rows("SELECT why FROM decision"), [{ why: "command-cut" }]);
      await startInbound(account);
      await pass(10_000, 1_000);
      assert.equal(said.length, 1);
    });
  }
});
