// SPDX-License-Identifier: Apache-2.0
// Names for containers that nobody named: an adjective and a harbour.

const adjectives = [
  "able", "amber", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "coral", "cosy", "crisp", "daring",
  "deep", "eager", "early", "fair", "fleet", "fond", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy",
  "honest", "jolly", "keen", "kind", "light", "lively", "loyal", "lucky", "mellow", "merry", "mighty", "misty", "neat",
  "noble", "patient", "placid", "polite", "proud", "quick", "quiet", "rapid", "ready", "salty", "serene", "sharp",
  "silver", "smart", "snug", "solid", "steady", "sunny", "swift", "tidy", "tranquil", "trusty", "vivid", "warm", "wise",
]; // biome-ignore format: a list

const harbours = [
  "aarhus", "aden", "algiers", "antwerp", "athens", "auckland", "baltimore", "barcelona", "bergen", "bilbao", "bordeaux",
  "boston", "bremen", "brest", "bristol", "busan", "cadiz", "calais", "callao", "cardiff", "chennai", "colombo", "cork",
  "dakar", "darwin", "dover", "dublin", "durban", "esbjerg", "galway", "gdansk", "genoa", "haifa", "halifax", "hamburg",
  "havana", "helsinki", "hobart", "hull", "izmir", "kiel", "kobe", "lagos", "leith", "lisbon", "lome", "lubeck", "malaga",
  "malmo", "manila", "marseille", "mersin", "mobile", "mombasa", "nagoya", "nantes", "naples", "narvik", "oakland",
  "odessa", "oran", "oslo", "oulu", "palermo", "piraeus", "porto", "riga", "rostock", "rotterdam", "santos", "savona",
  "seattle", "shanghai", "split", "stavanger", "sydney", "tallinn", "tampico", "tema", "toulon", "trieste", "tromso",
  "tunis", "turku", "valencia", "venice", "veracruz", "vigo", "yokohama", "zadar",
]; // biome-ignore format: a list

/** "steady_hamburg"; from the third attempt on with a number behind it, so that a free one is found. */
export function randomName(attempt: number): string {
  const name = `${pick(adjectives)}_${pick(harbours)}`;
  return attempt < 2 ? name : `${name}${Math.floor(Math.random() * 10 ** Math.min(attempt, 6))}`;
}

function pick(words: readonly string[]): string {
  return words[Math.floor(Math.random() * words.length)] ?? "plain";
}
