import { describe, it } from "node:test";
import { changePresence, presenceOf, recallPresence } from "../../src/flows/presence.ts";
import { testAccount } from "../support/bot/test_account.ts";
import { sameData } from "../support/same_data.ts";

const DND = { presence: { status: "dnd", activity: "reading" } };
const reading = { type: "custom", name: "reading" } as const;
const tide = { type: "watching", name: "the tide" } as const;

describe("[T3] changePresence()", () => {
  it("starts with the config's presence, and changes parts of it", async () => {
    const shown: unknown[] = [];
    const setPresence = (presence: unknown) => void shown.push(presence);
    const { account } = await testAccount({ discord: DND, connection: { setPresence } });
    sameData(presenceOf(account), { status: "dnd", activity: reading });
    await changePresence(account, { activity: tide });
    await changePresence(account, { status: "idle" });
    await changePresence(account, { activity: null });
    sameData(shown, [
      { status: "dnd", activity: tide },
      { status: "idle", activity: tide },
      { status: "idle" },
    ]);
    sameData(presenceOf(account), { status: "idle" });
  });

  it("keeps a change over a restart, until the config's presence changes", async () => {
    const { account, store } = await testAccount({ discord: DND });
    await changePresence(account, { activity: tide });
    await recallPresence(account);
    sameData(presenceOf(account), { status: "dnd", activity: tide });
    const changed = await testAccount();
    Object.assign(changed.account, { store });
    await recallPresence(changed.account);
    sameData(presenceOf(changed.account), { status: "online" });
  });
});
