import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLogins, LINK_MS, SESSION_MS } from "../../../src/cli/dashboard/logins.ts";

/** Logins with a clock of their own. */
function world() {
  let now = 1_000;
  const logins = createLogins({ now: () => now });
  const session = (token: string) => {
    const result = logins.login(token);
    return result.kind === "session" ? result.token : assert.fail(result.kind);
  };
  return { ...logins, session, pass: (ms: number) => void (now += ms) };
}

describe("[O6] [SEC-R31] createLogins()", () => {
  it("exchanges a link once, for a token of its own", () => {
    const { createLink, login, session, check } = world();
    const link = createLink();
    const token = session(link);
    assert.notEqual(token, link);
    assert.deepEqual([check(token), check(link)], ["right", "wrong"]);
    assert.deepEqual(login(link), { kind: "wrong" });
  });

  it("ends a link after five minutes, and a session after twelve hours or a logout", () => {
    const { createLink, login, session, check, logout, pass } = world();
    const late = createLink();
    const one = session(createLink());
    const other = session(createLink());
    logout(other);
    assert.deepEqual([check(one), check(other)], ["right", "wrong"]);
    pass(LINK_MS);
    assert.deepEqual(login(late), { kind: "wrong" });
    pass(SESSION_MS - LINK_MS);
    assert.equal(check(one), "wrong");
  });

  it("keeps four links; a further one ends the oldest", () => {
    const { createLink, login, session } = world();
    const first = createLink();
    const others = Array.from({ length: 4 }, createLink);
    assert.deepEqual(login(first), { kind: "wrong" });
    for (const link of others) session(link);
  });

  it("limits wrong tokens, and keeps out neither a right link nor a right session", () => {
    const { createLink, login, session, check, pass } = world();
    const link = createLink();
    const token = session(createLink());
    for (let wrong = 0; wrong < 10; wrong++) assert.equal(check(`wrong ${wrong}`), "wrong");
    assert.deepEqual(login("wrong"), { kind: "limited" });
    assert.deepEqual([check("wrong"), check(token)], ["limited", "right"]);
    session(link);
    pass(60_000);
    assert.deepEqual(login("wrong"), { kind: "wrong" });
  });
});
