import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandAccount } from "../../support/bot/commands.ts";

describe("[O6] /dashboard", () => {
  it("gives its owner a link, and says where the dashboard is not", async () => {
    const { slash, account } = await commandAccount();
    const link = (given: object) =>
      Object.assign(account.bot, { dashboardLink: () => Promise.resolve(given) });
    assert.match(await slash("dashboard"), /dashboard is off/);
    link({ kind: "link", url: "http://127.0.0.1:8765/#t", validSec: 300 });
    assert.match(
      await slash("dashboard"),
      /within 5 minutes: <http:\/\/127.*> If it does not open/,
    );
    link({ kind: "link", url: "https://bot.example/#t", validSec: 300 });
    assert.match(await slash("dashboard"), /<https:\/\/bot\.example\/#t>$/);
  });
});
