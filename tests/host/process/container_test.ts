import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isContainer } from "../../../src/host/process/boot.ts";

/** A machine without traces of an engine, except for the given ones. */
const seen = (path = "", cgroup = "0::/init.scope\n") =>
  [(one: unknown) => one === path, () => cgroup] as const;

describe("[O8] isContainer()", () => {
  it("detects Kubernetes and Podman by their variables", () => {
    assert.equal(isContainer({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, ...seen()), true);
    for (const container of ["podman", "oci", "docker"]) {
      assert.equal(isContainer({ container }, ...seen()), true);
    }
  });

  const MARKS: readonly ReturnType<typeof seen>[] = [
    seen("/.dockerenv"),
    seen("/run/.containerenv"),
    seen("", "12:cpu:/docker/0123\n"),
    seen("", "0::/kubepods/besteffort/pod1\n"),
    seen("", "0::/lxc/101/docker/0123\n"), // an engine within a machine of LXC
  ];
  it("detects engines by their files", () => {
    for (const ports of MARKS) assert.equal(isContainer({}, ...ports), true);
    assert.equal(isContainer({}, ...seen()), false);
  });

  it("counts LXC and systemd-nspawn as machines, because they have their own name servers", () => {
    for (const container of ["lxc", "lxc-libvirt", "systemd-nspawn"]) {
      assert.equal(isContainer({ container }, ...seen()), false);
    }
    assert.equal(isContainer({}, ...seen("", "0::/lxc/101\n")), false);
    assert.equal(isContainer({}, ...seen("", "0::/lxc.payload.web\n")), false);
  });

  it("never throws on this machine", () => {
    assert.equal(typeof isContainer({}), "boolean");
  });
});
