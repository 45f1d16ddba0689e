function start() { document.documentElement.classList.add("script"); }
