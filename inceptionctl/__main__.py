from inceptionctl.processes import leave_out_current_folder

if __name__ == "__main__":
    leave_out_current_folder()
    from inceptionctl.cli import main

    raise SystemExit(main())
