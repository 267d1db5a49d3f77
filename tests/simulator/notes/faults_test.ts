import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRestFaults, type RestFaultRule } from "../../../simulator/notes/faults.ts";

const FAULT = { kind: "hang" } as const;

describe("[D6] createRestFaults()", () => {
  const cases: readonly [string, Omit<RestFaultRule, "fault">, hits: readonly boolean[]][] = [
    ["any request", {}, [true, true, true]],
    ["one method", { method: "POST" }, [false, true, false]],
    ["one route", { route: "/gateway" }, [true, false, false]],
    ["method and route", { method: "GET", route: "/gateway" }, [true, false, false]],
    ["two times", { times: 2 }, [true, true, false]],
  ];
  for (const [what, rule, expected] of cases) {
    it(`applies to ${what}`, () => {
      const faults = createRestFaults();
      const added = faults.add({ ...rule, fault: FAULT });
      const taken = [["GET", "/gateway"], ["POST", "/users"], ["GET", "/users"]].map((
        [method = "", route = ""],
      ) => faults.take(method, route) !== undefined);
      assert.deepEqual(taken, expected);
      assert.equal(added.hits(), expected.filter(Boolean).length);
    });
  }

  it("applies the first matching rule, until it is used up, removed, or all are cleared", () => {
    const faults = createRestFaults();
    const first = faults.add({ times: 1, fault: { kind: "status", status: 500 } });
    const second = faults.add({ fault: { kind: "status", status: 502 } });
    const statusOf = () => Object(faults.take("GET", "/gateway"))["status"];
    assert.deepEqual([statusOf(), statusOf()], [500, 502]);
    second.remove();
    assert.equal(statusOf(), undefined);
    assert.deepEqual([first.hits(), second.hits()], [1, 1]);
    faults.add({ fault: FAULT });
    faults.clear();
    assert.equal(faults.take("GET", "/gateway"), undefined);
  });
});
