// GraphiQL keeps its tabs and its theme in the local storage of the origin. Other explorers that a
// developer ran on the same port use the same names, so ours get a prefix.
const PREFIX = "trenza.explorer.";

const ownNames = () => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));

export const explorerStorage = {
  getItem: (name) => localStorage.getItem(PREFIX + name),
  setItem: (name, value) => localStorage.setItem(PREFIX + name, value),
  removeItem: (name) => localStorage.removeItem(PREFIX + name),
  clear: () => ownNames().forEach((name) => localStorage.removeItem(name)),
  get length() {
    return ownNames().length;
  },
};
