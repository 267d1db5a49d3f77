import { describe, it } from "node:test";
import { createAccountPresence } from "../../src/flows/presence.ts";
import { sameData } from "../support/same_data.ts";
import { ACCOUNT } from "../support/discord/builders.ts";
import { openTestStore } from "../support/store/store.ts";

const DND: Parameters<typeof createAccountPresence>[0]["configured"] = {
  status: "dnd",
  activity: "reading",
};
const reading = { type: "custom", name: "reading" } as const;
const tide = { type: "watching", name: "the tide" } as const;

function presenceOf(
  configured: Parameters<typeof createAccountPresence>[0]["configured"],
  { store }: Pick<ReturnType<typeof openTestStore>, "store">,
) {
  const shown: unknown[] = [];
  const options = {
    accountId: ACCOUNT,
    configured,
    store,
    show: (next: unknown) => void shown.push(next),
    now: () => 1,
  };
  return createAccountPresence(options).then((presence) => ({ ...presence, shown }));
}

describe("[T3] createAccountPresence()", () => {
  it("starts with the config's presence, and changes parts of it", async () => {
    const presence = await presenceOf(DND, openTestStore());
    sameData(presence.current(), { status: "dnd", activity: reading });
    await presence.set({ activity: tide });
    await presence.set({ status: "idle" });
    await presence.set({ activity: null });
    sameData(presence.shown, [
      { status: "dnd", activity: tide },
      { status: "idle", activity: tide },
      { status: "idle" },
    ]);
    sameData(presence.current(), { status: "idle" });
  });

  it("keeps a change over a restart, until the config's presence changes", async () => {
    const opened = openTestStore();
    await (await presenceOf(DND, opened)).set({ activity: tide });
    sameData((await presenceOf(DND, opened)).current(), { status: "dnd", activity: tide });
    const changed = await presenceOf({ status: "online" }, opened);
    sameData(changed.current(), { status: "online" });
  });
});
