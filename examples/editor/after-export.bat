@echo off
rem Lightroom Classic, Capture One and others call this with the files that they have exported: after-export.bat FILE...
rem Reduced pictures go into the folder "reduced" beside them. Export as TIFF, 16 bit, ProPhoto RGB.
rem In Lightroom it belongs into the folder that "After Export", "Go to Export Actions Folder Now" shows.
if "%~1"=="" (
  echo usage: after-export.bat FILE...
  exit /b 2
)
gamut batch reduce %* --base "%~dp1." -o "%~dp1reduced" --overwrite
if errorlevel 1 pause
