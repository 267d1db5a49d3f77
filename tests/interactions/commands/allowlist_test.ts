import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandCall } from "../../../src/core/inbound/interactions.ts";
import type { ListChange, NoList, PeopleList } from "../../../src/core/people/people_list.ts";
import { allowlist } from "../../../src/interactions/commands/allowlist.ts";
import { directMessage, guildMessage, userId } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const RULE = "channels.discord.dm.allowFrom";
const BEN = userId("77");

function build({ reading = true, writing = true, list, change, paired = [] }: {
  readonly reading?: boolean;
  readonly writing?: boolean;
  readonly list?: PeopleList | NoList;
  readonly change?: ListChange;
  readonly paired?: readonly { readonly userId: typeof BEN; readonly username: string }[];
} = {}) {
  const asked: unknown[] = [];
  const context = interactionContext({
    config: {
      allows: () => ({ reading, writing }),
      paths: () => [],
      get: () => Promise.resolve(undefined),
      set: () => Promise.resolve("the command writes lists only"),
    },
    allowlists: {
      show(_, choice) {
        asked.push(choice);
        return Promise.resolve({ list: list ?? { kind: "everyone", rule: RULE }, paired });
      },
      change(_, choice, how, id) {
        asked.push([choice, how, id]);
        return Promise.resolve(change ?? { kind: "changed", rule: RULE });
      },
    },
  });
  const use = async (
    subcommand: string,
    options: CommandCall["options"] = {},
    at: Partial<CommandCall> = {},
  ) =>
    String(
      await allowlist.run(
        { ...guildMessage(), name: "allowlist", subcommand, options, ...at },
        context,
      ),
    );
  return { use, asked };
}

const inDm: Partial<CommandCall> = { place: directMessage().place };

describe("[K2] [K3] /allowlist", () => {
  it("is for owners", () => assert.equal(allowlist.needs, "owner"));

  it("shows a list with the names that are known, and who is paired", async () => {
    const { use, asked } = build({
      list: {
        kind: "list",
        rule: RULE,
        entries: [{ text: "77", userId: BEN }, { text: "eve", userId: userId("78") }, {
          text: "role:5",
        }],
        isOfDms: true,
      },
      paired: [{ userId: BEN, username: "ben" }],
    });
    assert.equal(
      await use("list", {}, inDm),
      [
        `\`${RULE}\` has these people:`,
        "– <@77> `77` `ben`",
        "– <@78> `78` `eve`",
        "– `role:5`",
        "Paired people may write to me, too:",
        "– <@77> `77` `ben`",
      ].join("\n"),
    );
    assert.deepEqual(asked, ["here"]);
  });

  it("shows long lists within Discord's limit", async () => {
    const long = "x".repeat(5_000);
    const id = userId("1".repeat(20));
    const entries = Array.from({ length: 200 }, () => ({ text: long, userId: id }));
    const paired = entries.map(() => ({ userId: id, username: long }));
    const { use } = build({ list: { kind: "list", rule: long, entries }, paired });
    const text = await use("list");
    assert.ok(text.length <= 2_000, `${text.length}`);
    assert.match(text, /… \+195[^]*… \+195/);
  });

  it("shows an empty list, and that there is none", async () => {
    const empty = build({ list: { kind: "list", rule: RULE, entries: [] } });
    assert.match(await empty.use("list"), /has no entries/);
    assert.match(await build().use("list"), /all members may talk/);
  });

  it("adds and removes a person", async () => {
    const { use, asked } = build();
    assert.match(await use("add", { user: "77" }), /^<@77> `77` is now on `channels/);
    assert.match(await use("remove", { user: "77", list: "server" }), /is not on .* any more\.$/);
    assert.deepEqual(asked, [["here", "add", BEN], ["server", "remove", BEN]]);
  });

  const answers: readonly [change: ListChange, how: "add" | "remove", answer: RegExp][] = [
    [{ kind: "unchanged", rule: RULE }, "add", /already, so nothing has changed/],
    [{ kind: "unchanged", rule: RULE }, "remove", /is not on .*, so nothing has changed/],
    [{ kind: "changed", rule: RULE, isUnpaired: true }, "remove", /pairing .* has ended, too/],
    [{ kind: "changed", rule: RULE, hasEveryone: true }, "remove", /`\*`, so everyone may/],
    [{ kind: "changed", rule: RULE, admitsNoOne: true }, "remove", /answer no one there/],
    [{ kind: "no_user" }, "add", /no user `77`/],
    [
      { kind: "everyone", rule: "a.users" },
      "add",
      /keep out all others.*`barnacle config set 'a\.users' '\["77"\]'`/,
    ],
    [{ kind: "everyone", rule: "a.users" }, "remove", /all members may talk/],
    [{ kind: "no_guilds", rule: "a.users" }, "add", /silent in all servers.*'a\.users'/],
    [{ kind: "closed", rule: "a" }, "add", /answer no one there, because of `a`/],
    [{ kind: "no_guild" }, "add", /in the server itself/],
    [
      { kind: "failed", problem: "it is read-only", command: "barnacle x" },
      "add",
      /nothing has changed: it is read-only\. .*`barnacle x`/,
    ],
  ];
  for (const [change, how, answer] of answers) {
    it(`${how} › ${change.kind}: ${answer.source}`, async () => {
      assert.match(await build({ change }).use(how, { user: "77" }), answer);
    });
  }

  it("[K4] changes nothing unless the config allows it", async () => {
    const off = build({ reading: false, writing: false });
    assert.match(await off.use("add", { user: "77" }), /`commands\.config`/);
    const closed = build({ writing: false });
    assert.match(await closed.use("remove", { user: "77" }), /configWrites/);
    assert.deepEqual([...off.asked, ...closed.asked], []);
    await off.use("list");
    assert.deepEqual(off.asked, ["here"], "it may always be shown");
  });

  it("[SEC-R19] takes no forged id", async () => {
    const { use, asked } = build();
    for (const user of ["*", "ada", "0", "", "role:5", "`x`"]) {
      assert.match(await use("add", { user }), /no user/, user);
    }
    assert.deepEqual(asked, []);
  });

  it("shows the list of direct messages to the owner alone", async () => {
    const { use, asked } = build();
    const text: Partial<CommandCall> = { isText: true };
    assert.match(await use("list", { list: "dm" }, text), /Discord's menu/);
    assert.match(await use("add", { user: "77", list: "dm" }, text), /Discord's menu/);
    assert.deepEqual(asked, []);
    await use("list", { list: "dm" });
    await use("list", {}, { ...text, ...inDm });
    assert.deepEqual(asked, ["dm", "here"]);
  });
});
