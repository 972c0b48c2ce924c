mod lockfile;
