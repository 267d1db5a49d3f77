export const tool = {
  description: "Tells the version of the Jellyfin server, its library, and what plays now.",
  hosts: ["http://jellyfin.local:8096"],
  readOnly: true,
};

export default async function (_, { fetch }) {
  const read = async (path) => {
    const answer = await fetch(`http://jellyfin.local:8096${path}`);
    if (!answer.ok) throw new Error(`Jellyfin answered ${path} with status ${answer.status}`);
    return await answer.json();
  };
  const [info, counts, sessions] = await Promise.all([
    read("/System/Info"),
    read("/Items/Counts"),
    read("/Sessions?activeWithinSeconds=300"),
  ]);
  return {
    server: info.ServerName,
    version: info.Version,
    restartNeeded: info.HasPendingRestart,
    library: { movies: counts.MovieCount, series: counts.SeriesCount, songs: counts.SongCount },
    playing: sessions.filter((one) => one.NowPlayingItem).map((one) => ({
      title: one.NowPlayingItem.Name,
      series: one.NowPlayingItem.SeriesName,
      by: one.UserName,
      on: one.DeviceName,
      paused: one.PlayState?.IsPaused,
    })),
  };
}
