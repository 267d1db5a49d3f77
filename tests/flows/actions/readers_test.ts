/** Tests the one rule of tools: no words reach a reader who may not read their channel. */

import fc from "fast-check";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { may } from "../../../simulator/world/access.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import type { Channel, TextChannel, User } from "../../../simulator/world/world.ts";
import { cases } from "../../support/long_form.ts";
import { type ActionScene, pressedBy, withActions } from "./actions_harness.ts";

const AT = Date.UTC(2026, 0, 2);

/** A channel with a secret in each text that a tool could show. */
async function secretIn(
  { sim, api, demo: { world, krill } }: ActionScene,
  name: string,
  fields: { readonly isAgeRestricted?: boolean } = {},
) {
  const topic = `topic-of-${name}`;
  const channel = addChannel(world, krill, { name, topic, ...fields }, AT);
  const message = sim.say({ as: "ada", in: name, text: `secret-of-${name}` });
  await api.request("PUT", `/channels/${channel.id}/messages/pins/${message.id}`);
  return { channel, message, has: new RegExp(`(secret|topic|thread)-of-${name}`) };
}

/** Each call by which an injection can make a model read a channel. */
const readsOf = (
  { channel, message }: Pick<Awaited<ReturnType<typeof secretIn>>, "channel" | "message">,
  guildId: string,
): readonly object[] => [
  { action: "readMessages", channelId: channel.id },
  { action: "readMessages", around: link(guildId, channel.id, message.id) },
  { action: "fetchMessage", channelId: channel.id, messageId: message.id },
  { action: "searchMessages", query: "secret" },
  { action: "searchMessages", query: "secret", channelIds: [channel.id] },
  { action: "listPins", channelId: channel.id },
  { action: "channelInfo", channelId: channel.id },
  { action: "channelList" },
  { channelId: channel.id, limit: 50 }, // read_channel_history
];

const link = (...ids: readonly string[]) => `https://discord.com/channels/${ids.join("/")}`;

/** Each call by which an injection can make a model write words of its turn's place in another channel. */
const writesTo = (
  { channel, message }: Pick<Awaited<ReturnType<typeof secretIn>>, "channel" | "message">,
): readonly object[] => [
  { action: "sendMessage", channelId: channel.id, text: "word" },
  { action: "threadReply", channelId: channel.id, embed: { title: "word" } },
  { action: "poll", channelId: channel.id, question: "word", answers: ["a"] },
  { action: "threadCreate", channelId: channel.id, messageId: message.id, title: "word" },
  { action: "channelEdit", channelId: channel.id, topic: "word" },
];

/** Whether a call came as far as Discord or the outbox. */
const isTold = (result: string) => /^\{|^Changed|This test sends no text/.test(result);

describe("[T4] [SEC-R4] all tools that read", () => {
  const overwrite = fc.record({
    who: fc.constantFrom("@everyone", "officers", "helpers", "grace", "mallory", "ada"),
    what: fc.constantFrom("viewChannel" as const, "readMessageHistory" as const),
    as: fc.constantFrom("allowed" as const, "denied" as const),
  });

  const view = { what: "viewChannel" } as const;
  const closed = { ...view, who: "@everyone", as: "denied" } as const;
  const officersOnly = { ...view, who: "officers", as: "allowed" } as const;

  it("show no word to a reader who may not read its source: random servers and injections (law)", async () => {
    let [shown, hidden] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(overwrite, { maxLength: 4 }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.subarray(["officers", "helpers"]), { minLength: 2, maxLength: 2 }),
        fc.nat(2),
        fc.boolean(),
        fc.boolean(),
        async (settings, roles, at, isOwner, isPressed) => {
          await withActions(async (scene) => {
            const { sim, run, shows, demo: { world, krill, people } } = scene;
            const names = ["one", "two", "three"];
            const sources = await Promise.all(names.map((name) => secretIn(scene, name)));
            const persons = [people.ada, people.grace, people.mallory];
            ["grace", "mallory"].forEach((who, index) =>
              sim.setRoles({ who, roles: roles[index] ?? [] })
            );
            settings.forEach((list, index) =>
              list.forEach(({ who, ...change }) =>
                sim.permit({ to: who, ...change, in: names[index] ?? "" })
              )
            );
            const now = (one: TextChannel): Channel => world.channels.get(one.id) ?? one;
            const place = sources[at]?.channel;
            const reads = (one: TextChannel, { id }: User, isOwn = one.id === place?.id) =>
              // The readers of a channel are its own readers.
              may(world, now(one), id, "view") &&
              (isOwn || may(world, now(one), id, "read_history"));
            assert.ok(place);
            const readers = persons.filter(({ id }) => may(world, now(place), id, "view"));
            for (const by of [people.grace, people.mallory]) {
              // Another person's yes lends no eyes, and neither does an offer.
              const decision = isPressed ? pressedBy(people.ada) : undefined;
              for (const source of sources) {
                for (const args of readsOf(source, krill.id)) {
                  const text = await run(args, { by, isOwner, place, decision });
                  for (const { channel, has } of sources) {
                    const isMessage = new RegExp(`secret-of-${channel.name}`);
                    const opens = (one: User) => isMessage.test(text) ? reads(channel, one) : true;
                    for (const reader of has.test(text) ? readers : []) {
                      assert.ok(may(world, now(channel), reader.id, "view"), reader.username);
                      assert.ok(opens(reader), `${reader.username} reads ${JSON.stringify(args)}`);
                    }
                    if (isMessage.test(text)) shown++;
                    else hidden++;
                  }
                }
                // Notes and reminders keep the channel in which they were written.
                if (await shows(source.channel, { by, place })) {
                  for (const reader of readers) assert.ok(reads(source.channel, reader));
                }
              }
            }
          });
        },
      ),
      {
        numRuns: cases(6, 60),
        // Random servers may be all open or all closed. So each run has one of both kinds.
        examples: [
          [[[], [], []], [[], []], 0, false, false],
          [[[closed, officersOnly], [], []], [["officers"], []], 0, false, false],
        ],
      },
    );
    assert.ok(shown > 0 && hidden > 0, "both ends were played");
  });

  /** #staff, which mallory cannot see, and grace can. */
  async function staffOf(scene: ActionScene) {
    const staff = await secretIn(scene, "staff");
    scene.sim.permit({ in: "staff", to: "@everyone", what: "viewChannel", as: "denied" });
    for (const what of ["viewChannel", "readMessageHistory"] as const) {
      scene.sim.permit({ in: "staff", to: "grace", what, as: "allowed" });
    }
    return staff;
  }

  it("show a hidden channel once the asker has pressed the card that names it, and no one else", () =>
    withActions(async (scene) => {
      const { ask, run, demo: { krill, people, channels } } = scene;
      const staff = await staffOf(scene);
      const read = { action: "readMessages", channelId: staff.channel.id };
      const card = await ask(read);
      assert.deepEqual(card?.asked, [people.grace.id]);
      assert.equal(card?.where, "channel");
      const mentions = [staff.channel.id, channels.general.id].map((id) => `<#${id}>`);
      for (const mention of mentions) assert.ok(card?.text.includes(mention), mention);
      assert.doesNotMatch(JSON.stringify(card), /staff/, "its name is not for all readers");
      assert.match(await run(read, { decision: pressedBy(people.ada) }), /not everyone who/);
      const no = { ...pressedBy(people.grace), answer: { choice: "deny" } };
      assert.match(await run(read, { decision: no }), /not everyone who .*; a person said no$/);
      const decision = pressedBy(people.grace);
      for (const args of readsOf(staff, krill.id).slice(0, 3)) {
        assert.match(await run(args, { decision }), staff.has);
      }
      assert.match(await run({ channelId: staff.channel.id }, { decision }), staff.has);
      // The press is no right: the asker has lost their own.
      scene.sim.permit({ in: "staff", to: "grace", what: "readMessageHistory", as: "denied" });
      assert.match(await run(read, { decision }), /lack the permission Read Message History/);
    }));

  it("ask no one about a channel that all may read, or that the asker may not", () =>
    withActions(async (scene) => {
      const { ask, sim, demo: { channels } } = scene;
      const staff = await staffOf(scene);
      sim.permit({ in: "staff", to: "grace", what: "viewChannel", as: "denied" });
      for (const channelId of [channels.help.id, staff.channel.id]) {
        assert.equal(await ask({ action: "readMessages", channelId }), undefined);
      }
    }));

  it("have no name, topic or author of a hidden channel in cards, dry runs, changes and undoing", () =>
    withActions(async (scene) => {
      const { ask, run, permit, target } = scene;
      const { channel: { id: channelId }, message: { id: messageId } } = await staffOf(scene);
      permit("manageChannels", "manageMessages", "manageRoles");
      const remove = { action: "deleteMessage", channelId, messageId };
      const edit = { action: "channelEdit", channelId, topic: "x" };
      const cards = [await ask({ action: "channelDelete", channelId }), await ask(remove)];
      const asking = { by: target, isOwner: true };
      const tags = [{ id: messageId, name: "staff-tag", moderated: false }];
      const { world, krill } = scene.demo;
      const forum = addChannel(world, krill, { name: "posts", kind: "forum", tags }, AT);
      const post = { action: "threadCreate", channelId: forum.id, title: "x", text: "x" };
      const words = [
        await run({ ...post, tags: ["none"] }, asking),
        await run({ ...edit, dryRun: true }, asking),
        await run({ ...remove, dryRun: true }, asking),
        await run(edit, asking),
        await run({ action: "undo" }, asking),
        ...cards.map((card) => card?.exact ?? "no card"),
      ];
      assert.match(words[0] ?? "", /the forum has no tag "none"/);
      assert.match(words[4] ?? "", /^Undone .* sets its topic back/);
      assert.match(words.at(-1) ?? "", /^delete the message/);
      assert.doesNotMatch(words.join("\n"), /staff|topic-of|ada/);
    }));

  it("[T3] open no hidden channel in an owner's turn without a person", () =>
    withActions(async (scene) => {
      const { run, target, demo: { krill } } = scene;
      const { channel: { id: channelId }, has } = await staffOf(scene);
      const asking = { by: target, isOwner: true };
      const open = { channelId, targetId: krill.id };
      for (
        const given of [
          { ...open, action: "channelPermissionRemove" },
          { ...open, action: "channelPermissionSet", allow: ["View Channel"] },
          { ...open, action: "channelPermissionSet", targetId: target.id, allow: ["View Channel"] },
        ]
      ) {
        assert.match(await run(given, asking), /a person must allow it first/);
        assert.doesNotMatch(await run({ action: "readMessages", channelId }, asking), has);
      }
      const shut = { ...open, action: "channelPermissionSet", deny: ["Read Message History"] };
      assert.match(await run(shut, asking), /^Set\./);
    }));

  it("forward a message only where all may read it, or after a card that names that channel", () =>
    withActions(async (scene) => {
      const { ask, permit, run, demo: { channels, people } } = scene;
      const staff = await staffOf(scene);
      permit("sendMessages");
      const { channel: { id: channelId }, message: { id: messageId } } = staff;
      const args = {
        action: "forwardMessage",
        channelId,
        messageId,
        toChannelId: channels.help.id,
      };
      const card = await ask(args);
      assert.match(card?.text ?? "", new RegExp(`Show it in <#${channels.help.id}>\\?$`));
      const asking = { place: staff.channel };
      assert.match(await run(args, asking), /not everyone who/);
      assert.match(
        await run(args, { ...asking, decision: pressedBy(people.grace) }),
        /"forwarded"/,
      );
    }));

  it("write words of their place elsewhere only where all may read it, or after a card with the call", () =>
    withActions(async (scene) => {
      const { askAs, run, permit, target, demo: { krill, channels, people } } = scene;
      const { channel: staff } = await staffOf(scene);
      permit("manageChannels", "createEvents", "sendPolls", "createPublicThreads", "embedLinks");
      const { general, help } = channels;
      const name = "launch";
      const event = {
        action: "eventCreate",
        name,
        location: "quay",
        startTime: "2030-01-01T00:00:00Z",
        endTime: "2030-01-01T01:00:00Z",
      };
      const writes = [
        ...writesTo({
          channel: general,
          message: scene.sim.say({ as: "ada", in: "general", text: "x" }),
        }),
        event,
      ];
      const asking = { by: people.grace, decision: undefined };
      for (const args of writes) {
        const card = await askAs(args, { place: staff });
        assert.match(card?.text ?? "", /^Not everyone who would read this .* Send it\?$/);
        assert.equal(card?.exact, `discord ${JSON.stringify(args)}`);
        if ("channelId" in args) assert.match(JSON.stringify(card?.facts), new RegExp(general.id));
        assert.deepEqual(card?.asked, [people.grace.id]);
        for (const from of [{ place: staff }, { isOwner: true, isDirect: true }]) {
          if (from.isDirect && args === event) continue; // it names no server
          assert.match(await run(args, { ...asking, ...from }), /not everyone who/);
        }
        const decision = pressedBy(people.grace);
        const result = await run(args, { ...asking, place: staff, decision });
        assert.ok(isTold(result), result);
        // A public place, where nothing changes.
        assert.equal(await askAs(args, { place: help }), undefined);
        assert.ok(isTold(await run(args, { ...asking, place: help })), JSON.stringify(args));
      }
      // A person who may not read the place gets no direct message with its words.
      const direct = { action: "sendMessage", userId: target.id, text: "word" };
      assert.match(
        await run(direct, { ...asking, isOwner: true, place: staff }),
        /not everyone who/,
      );
      assert.ok(isTold(await run(direct, { ...asking, isOwner: true })));
      assert.ok(isTold(await run({ ...direct, userId: people.grace.id }, { place: staff })));
      const own = { ...direct, userId: people.grace.id };
      assert.ok(isTold(await run(own, { isDirect: true })));
      const toHelp = { action: "sendMessage", channelId: help.id, text: "word" };
      // A thread has the readers of its channel.
      const on = scene.sim.say({ as: "ada", in: "help", text: "x" }).id;
      const opened = await run({ action: "threadCreate", messageId: on, title: "x" }, {
        place: help,
      });
      const { threadId } = JSON.parse(opened);
      assert.ok(isTold(await run({ ...toHelp, channelId: threadId }, {})), "from #general");
      // Words of a place are open to all who see it.
      const noHistory = { to: "@everyone", what: "readMessageHistory", in: "help" } as const;
      scene.sim.permit({ ...noHistory, as: "denied" });
      for (const args of writes) assert.ok(isTold(await run(args, { place: help })));
      scene.sim.permit({ ...noHistory, as: "unset" });
      assert.ok(isTold(await run({ action: "sendMessage", text: "x" }, { place: staff })));
      assert.equal(
        await askAs({ action: "channelInfo", guildId: krill.id }, { place: staff }),
        undefined,
      );
    }));

  it("show and write no word of a private thread outside of it, though its channel is open", () =>
    withActions(async ({ run, permit, sim, target, demo: { channels: { thread, help } } }) => {
      permit("createEvents", "readMessageHistory", "viewChannel");
      sim.say({ as: "ada", in: thread.id, text: "secret" });
      const when = { startTime: "2030-01-01T00:00:00Z", endTime: "2030-01-01T01:00:00Z" };
      const writes = [
        { action: "eventCreate", name: "word", location: "quay", ...when },
        { action: "sendMessage", userId: target.id, text: "word" },
      ];
      for (const isPrivate of [false, true]) {
        if (isPrivate) { // the simulator has no private threads
          const change = (body: string) => body.replace(/"type":\s*11\b/, '"type":12');
          sim.faults.rest.add({
            method: "GET",
            route: "/channels/:id",
            fault: { kind: "reform", change },
          });
        }
        for (const args of writes) {
          const told = await run(args, { place: thread, isOwner: true });
          assert.equal(isTold(told), !isPrivate, told);
          if (isPrivate) assert.match(told, /not everyone who/);
        }
        const read = { action: "readMessages", channelId: thread.id };
        for (const place of [undefined, help]) { // its channel's answers, too
          const shown = await run(read, { place });
          assert.match(shown, isPrivate ? /not everyone who/ : /secret/);
        }
        assert.doesNotMatch(await run(read, { place: thread }), /not everyone/);
        const byAnother = await run(read, { by: target });
        assert.equal(/lack the permission Manage Threads/.test(byAnother), isPrivate, byAnother);
      }
    }));

  it("[T3] open no channel again by undoing, and give no role above the owner who asks", () =>
    withActions(async (scene) => {
      const { run, permit, crew, target, demo: { krill, channels } } = scene;
      permit("manageRoles", "readMessageHistory", "viewChannel");
      const at = { channelId: channels.help.id, targetId: krill.id };
      const deny = ["Read Message History"];
      assert.match(await run({ action: "channelPermissionSet", ...at, deny }), /^Set/);
      assert.match(await run({ action: "undo" }), /a person uses the button Undo, or \/undo/);
      const given = { action: "roleAdd", userId: target.id, roleId: crew.id };
      assert.match(await run(given, { by: target, isOwner: true }), /Manage Roles/);
      assert.match(await run(given), /^Given/);
      assert.match(await run({ ...given, action: "roleRemove" }), /^Taken/);
      assert.match(await run({ action: "undo" }), /a person uses the button Undo/);
    }));

  it("read the rights of a search again after its wait", () =>
    withActions(async (scene) => {
      const { run, sim, clock, demo: { krill } } = scene;
      const { has } = await secretIn(scene, "later");
      krill.things.unindexed = 1;
      const searching = run({ action: "searchMessages", query: "secret" });
      await sim.until(() => krill.things.unindexed === 0 || undefined, AbortSignal.timeout(60_000));
      sim.permit({ in: "later", to: "@everyone", what: "viewChannel", as: "denied" });
      let isOver = false;
      void searching.then(() => isOver = true);
      await sim.until(() => {
        clock.advance(1_000);
        return isOver || undefined;
      }, AbortSignal.timeout(60_000));
      assert.doesNotMatch(await searching, has);
      assert.match(await searching, /^Nothing was found that may be shown here/);
    }));

  const private_ = { isDirect: true, isOwner: true };

  it("show bans only where all readers may see them", () =>
    withActions(async (scene) => {
      const { permit, run, sim, demo: { krill } } = scene;
      permit("banMembers");
      const mods = addChannel(scene.demo.world, scene.demo.krill, { name: "mods" }, AT);
      const list = { action: "banList" };
      assert.match(await run(list), /not everyone who/);
      assert.match(await run({ ...list, guildId: krill.id }, private_), /^No one is banned/);
      sim.permit({ in: "mods", to: "@everyone", what: "viewChannel", as: "denied" });
      sim.permit({ in: "mods", to: "officers", what: "viewChannel", as: "allowed" });
      sim.permit({ in: "mods", to: "ada", what: "viewChannel", as: "allowed" });
      assert.match(await run(list, { place: mods }), /^No one is banned/, "ada owns the server");
    }));

  it("read no server from direct messages that all people share", () =>
    withActions(async ({ run, rules, demo: { channels, people } }) => {
      const read = { action: "readMessages", channelId: channels.general.id };
      const asking = { by: people.ada, isOwner: true, isDirect: true };
      assert.doesNotMatch(await run(read, asking), /^Error/);
      rules.sharesDirect = true;
      assert.match(await run(read, asking), /share one conversation/);
    }));

  it("[H9] show nothing of an age-restricted channel elsewhere", () =>
    withActions(async (scene) => {
      const { run, demo: { krill } } = scene;
      const adults = await secretIn(scene, "adults", { isAgeRestricted: true });
      for (const args of readsOf(adults, krill.id)) {
        assert.doesNotMatch(await run(args), adults.has, JSON.stringify(args));
      }
      for (const action of ["listPins", "channelInfo"]) {
        assert.match(await run({ action }, { place: adults.channel }), adults.has);
      }
    }));

  it("bind owners of the bot to their rights at Discord, also in direct messages", () =>
    withActions(async (scene) => {
      const { run, target, demo: { krill } } = scene;
      const staff = await staffOf(scene);
      for (const isDirect of [false, true]) {
        for (const args of readsOf(staff, krill.id)) {
          const given = "action" in args && /^search|List$/.test(String(args.action))
            ? { ...args, guildId: krill.id }
            : args;
          const text = await run(given, { by: target, isOwner: true, isDirect });
          assert.doesNotMatch(text, staff.has, JSON.stringify(given));
        }
      }
    }));
});
