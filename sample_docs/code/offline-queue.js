/**
 * Keeps weather readings on the little computer in the beehive until there is
 * a network again.
 *
 * The hive stands behind a hill and has a signal only now and then, so each
 * reading is written to a queue first and taken off it when the server has
 * said that it got it. A reading may therefore arrive twice, but never zero
 * times; the server drops duplicates by their `id`.
 */

const MAX_ENTRIES = 5000; // about 34 days at one reading every ten minutes
const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 15 * 60 * 1000;

export class OfflineQueue {
  #entries = [];
  #delay = FIRST_DELAY_MS;
  #timer = null;
  #sending = false;

  /**
   * @param {(entry: object) => Promise<boolean>} send resolves to true once
   *   the server has stored the entry for good
   * @param {{load: () => object[], save: (entries: object[]) => void}} store
   */
  constructor(send, store) {
    this.send = send;
    this.store = store;
    this.#entries = store.load();
  }

  get length() {
    return this.#entries.length;
  }

  /** Adds a reading and tries to get rid of it straight away. */
  push(entry) {
    // When the memory card is full we throw away every second of the oldest
    // thousand readings: a coarse curve of last month beats a hole in it.
    if (this.#entries.length >= MAX_ENTRIES) {
      const old = this.#entries.splice(0, 1000);
      this.#entries.unshift(...old.filter((_, i) => i % 2 === 0));
    }
    this.#entries.push(entry);
    this.store.save(this.#entries);
    if (this.#timer === null && !this.#sending) this.#schedule(0);
  }

  /**
   * Sends from the front, one by one, and stops at the first failure.
   * The pause doubles after each failure up to a quarter of an hour, with some
   * chance in it, so that all seven hives do not call at the same instant
   * after a thunderstorm.
   */
  async flush() {
    this.#timer = null;
    this.#sending = true;
    while (this.#entries.length > 0) {
      const entry = this.#entries[0];
      let stored = false;
      try {
        stored = await this.send(entry);
      } catch {
        stored = false; // no network is the normal case here, not an error
      }
      if (!stored) {
        this.#schedule(this.#delay * (0.75 + Math.random() / 2));
        this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
        break;
      }
      // Not shift(): while we waited, push() may have thinned out the front.
      this.#entries = this.#entries.filter((other) => other !== entry);
      this.store.save(this.#entries);
      this.#delay = FIRST_DELAY_MS;
    }
    this.#sending = false;
  }

  #schedule(ms) {
    this.#timer = setTimeout(() => this.flush(), ms);
  }
}

/**
 * True if the colony is probably about to swarm: in the brood nest it has been
 * above 35.5 degrees for two hours while the weight fell by more than 300 g.
 */
export function swarmLikely(readings) {
  const recent = readings.slice(-12);
  if (recent.length < 12) return false;
  const hot = recent.every((r) => r.broodCelsius > 35.5);
  const lost = recent[0].weightGrams - recent[recent.length - 1].weightGrams;
  return hot && lost > 300;
}
