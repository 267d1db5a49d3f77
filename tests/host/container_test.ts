import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isContainer } from "../../src/host/container.ts";

describe("[O8] isContainer()", () => {
  it("believes Kubernetes and systemd-nspawn, which say so", () => {
    assert.equal(isContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }), true);
    assert.equal(isContainer({ container: "podman" }), true);
  });

  it("tells by what the engines leave, and never fails", () => {
    assert.equal(typeof isContainer({}), "boolean");
  });
});
