# Made by scripts/release/pack/pack.ts for each release. It belongs into a tap: brew install OWNER/TAP/barnacle
class Barnacle < Formula
  desc "AI agent for Discord in a single file"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "@DOWNLOADS@/barnacle-darwin-arm64.tar.xz"
      sha256 "@SHA256(barnacle-darwin-arm64.tar.xz)@"
    end
    on_intel do
      url "@DOWNLOADS@/barnacle-darwin-x64.tar.xz"
      sha256 "@SHA256(barnacle-darwin-x64.tar.xz)@"
    end
  end

  on_linux do
    on_arm do
      url "@DOWNLOADS@/barnacle-linux-arm64.tar.xz"
      sha256 "@SHA256(barnacle-linux-arm64.tar.xz)@"
    end
    on_intel do
      url "@DOWNLOADS@/barnacle-linux-x64.tar.xz"
      sha256 "@SHA256(barnacle-linux-x64.tar.xz)@"
    end
  end

  def install
    bin.install "barnacle"
    man1.install "barnacle.1"
    generate_completions_from_executable(bin/"barnacle", "completion")
  end

  service do
    run [opt_bin/"barnacle", "run"]
    keep_alive successful_exit: false
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/barnacle version")
  end
end
