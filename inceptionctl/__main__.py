from inceptionctl.cli import main

raise SystemExit(main())
