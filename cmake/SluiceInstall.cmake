# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where: the program, the library with its public headers, a CMake package
# (find_package(sluice), target sluice::sluice) and a pkg-config file. tests/package/ has consumers of both.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_include_directories(sluice_lib INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(SLUICE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)

install(TARGETS sluice RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS sluice_lib sluice_sqlite EXPORT sluice ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(SLUICE_OPTIMISES_AT_LINK)
  # gcc's intermediate code serves our own program only. In an installed archive it would make each link of a consumer
  # compile all of it again (60 s of processor time instead of 0.3 s, and the warnings that we switch off), and no other
  # version of gcc could read it. So the installed copy keeps only the machine code, as Debian's dh_strip does it. A second
  # set of objects without it would double the time of the build.
  cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE libdir)
  install(CODE "execute_process(COMMAND \"${CMAKE_OBJCOPY}\" --preserve-dates
    --remove-section=.gnu.lto_* --remove-section=.gnu.debuglto_* \"\$ENV{DESTDIR}${libdir}/libsluice.a\"
    COMMAND_ERROR_IS_FATAL ANY)")
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/sluice DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")
if(NOT SLUICE_SYSTEM_SQLITE)
  # An application that hands sluice its own connection must use the same SQLite.
  install(FILES ${SLUICE_SQLITE_DIR}/sqlite3.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice/sqlite)
endif()

install(EXPORT sluice NAMESPACE sluice:: FILE sluice-targets.cmake DESTINATION ${SLUICE_PACKAGE_DIR})
configure_package_config_file(cmake/sluice-config.cmake.in ${PROJECT_BINARY_DIR}/sluice-config.cmake
  INSTALL_DESTINATION ${SLUICE_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sluice-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sluice-config.cmake ${PROJECT_BINARY_DIR}/sluice-config-version.cmake
  DESTINATION ${SLUICE_PACKAGE_DIR})

if(SLUICE_SYSTEM_SQLITE)
  set(SLUICE_PC_SQLITE_REQUIRES "sqlite3,")
else()
  set(SLUICE_PC_SQLITE_LIBS "-lsluice_sqlite3")
  set(SLUICE_PC_SQLITE_CFLAGS "-I\${includedir}/sluice/sqlite")
endif()
# The prefix is found from where the file lies, so that the installed folder can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(SLUICE_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH SLUICE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" SLUICE_PC_PREFIX "\${pcfiledir}/${SLUICE_PC_PREFIX}")
endif()
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE SLUICE_PC_LIBDIR)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE SLUICE_PC_INCLUDEDIR)
configure_file(cmake/sluice.pc.in ${PROJECT_BINARY_DIR}/sluice.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/sluice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# systemd looks below /usr/local/lib and /usr/lib. Where the program is, is known when it is installed.
set(SLUICE_UNIT ${PROJECT_BINARY_DIR}/share/systemd/sluice@.service)
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/contrib/sluice@.service\" unit)
  string(REPLACE /usr/local/bin/sluice \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/sluice\" unit \"\${unit}\")
  file(WRITE \"${SLUICE_UNIT}\" \"\${unit}\")")
install(FILES ${SLUICE_UNIT} DESTINATION lib/systemd/system)

# The manual page and the completion are printed by the program itself: one source for all three.
set(SLUICE_MAN_PAGE ${PROJECT_BINARY_DIR}/share/man/man1/sluice.1)
set(SLUICE_BASH_COMPLETION ${PROJECT_BINARY_DIR}/share/bash-completion/completions/sluice)
set(SLUICE_ZSH_COMPLETION ${PROJECT_BINARY_DIR}/share/zsh/vendor-completions/_sluice)
set(SLUICE_FISH_COMPLETION ${PROJECT_BINARY_DIR}/share/fish/vendor_completions.d/sluice.fish)
add_custom_command(TARGET sluice POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E make_directory
    ${PROJECT_BINARY_DIR}/share/man/man1 ${PROJECT_BINARY_DIR}/share/bash-completion/completions
    ${PROJECT_BINARY_DIR}/share/zsh/vendor-completions
    ${PROJECT_BINARY_DIR}/share/fish/vendor_completions.d
  COMMAND sluice help --man > ${SLUICE_MAN_PAGE}
  COMMAND sluice help --completion bash > ${SLUICE_BASH_COMPLETION}
  COMMAND sluice help --completion zsh > ${SLUICE_ZSH_COMPLETION}
  COMMAND sluice help --completion fish > ${SLUICE_FISH_COMPLETION}
  BYPRODUCTS ${SLUICE_MAN_PAGE} ${SLUICE_BASH_COMPLETION} ${SLUICE_ZSH_COMPLETION} ${SLUICE_FISH_COMPLETION}
  VERBATIM)
install(FILES ${SLUICE_MAN_PAGE} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${SLUICE_BASH_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
# Where Debian's zsh looks: for what packages bring, and for what was installed by hand.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(SLUICE_ZSH_FOLDER vendor-completions)
else()
  set(SLUICE_ZSH_FOLDER site-functions)
endif()
install(FILES ${SLUICE_ZSH_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${SLUICE_ZSH_FOLDER})
install(FILES ${SLUICE_FISH_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
